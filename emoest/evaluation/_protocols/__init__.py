"""What a protocol is made of: named folds, learning curves, corpora against each other."""
