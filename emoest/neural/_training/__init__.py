"""What deep estimators share: the net inside skorch, callbacks, early stopping, scaling, saving."""
