import sys
from pathlib import Path

import emoest

sys.path.insert(0, str(Path(emoest.__file__).parents[1] / "docs" / "_ext"))
