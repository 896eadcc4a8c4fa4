"""One module for each published corpus, from its folder to X and y."""
