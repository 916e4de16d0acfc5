"""What streams of all formats share: windows, lanes, numbering, joining."""
