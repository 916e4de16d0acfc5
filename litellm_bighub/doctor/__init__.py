"""The doctor: explains a proxy's setup, and proves it with canaries."""
