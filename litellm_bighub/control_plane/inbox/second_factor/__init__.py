"""The second factor in the inbox: the code at a login, and the page on which users enrol."""
