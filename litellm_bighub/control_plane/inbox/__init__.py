"""The inbox: a page on which a person sees what waits, answers it, and looks back at what was decided."""
