"""What came before a call: labels of results, and earlier calls."""
