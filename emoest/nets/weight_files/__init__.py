"""Files of weights, read into the nets here."""
