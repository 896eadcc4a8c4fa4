"""UniMSE: universal labels, their strings, dialogues, and the estimators that generate them."""
