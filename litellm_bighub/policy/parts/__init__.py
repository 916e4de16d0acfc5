"""Taking calls apart: each kind of part is a small pure module, with the pattern that rules have for it."""
