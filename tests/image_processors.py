"""Image processors of transformers that need no torchvision."""

from typing import Any

import transformers


def pil_processor(name: str, **settings: Any) -> Any:
    """Make one; before version 5 of transformers those without torchvision had the plain names."""
    return getattr(transformers, f"{name}Pil", getattr(transformers, name, None))(**settings)
