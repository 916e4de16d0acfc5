"""The demonstration: promises of this package, each kept before the reader's eyes by a real proxy."""
