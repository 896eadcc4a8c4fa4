"""What probabilities are worth: calibration, abstention, label sets."""
