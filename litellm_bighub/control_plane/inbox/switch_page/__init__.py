"""The page of kill switches: what is on, who has set and lifted them lately, and the forms that do."""
