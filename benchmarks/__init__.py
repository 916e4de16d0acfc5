"""Speed, side by side with what one would use instead. `make bench` runs all and writes RESULTS.md."""
