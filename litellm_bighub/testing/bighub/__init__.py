"""A fake of the hosted BIGHUB."""
