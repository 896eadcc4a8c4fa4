"""Pictures of an evaluation, as displays of scikit-learn; they need the extra ``plot``."""
