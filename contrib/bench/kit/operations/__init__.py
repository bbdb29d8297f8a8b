"""One module per measurement; each has a TITLE and measure(scene), which returns the figures."""
