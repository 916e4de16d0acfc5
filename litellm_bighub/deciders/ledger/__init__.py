"""The ledger of decided calls, and the results that are held against it."""
