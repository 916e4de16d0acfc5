"""The commands, one module each. They import what is heavy when they run, so that `--help` is quick."""
