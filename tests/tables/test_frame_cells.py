import numpy as np
import pandas as pd
import pytest

from emoest.aggregation import StatisticsPooling
from emoest.tables.cells import object_column


@pytest.mark.parametrize("sizes", [(20, 20, 20), (20, 21, 22)])
def test_one_dimensional_frames_are_said_to_be_one_frame(sizes):
    cells = object_column([None, *map(np.ones, sizes)], pd.RangeIndex(4), "audio__frames")
    pooling = StatisticsPooling(["mean"])
    said = r"row 1, column 'audio__frames': an array of shape \(20,\) is read as one frame of 20"
    with pytest.warns(UserWarning, match=said):
        if len(set(sizes)) == 1:
            assert pooling.fit_transform(cells.to_frame()).shape == (4, 20)
        else:
            said = r"row 2,.*\(21,\) is read as one frame of 21.*had 20\. Write array\[:, None\]"
            with pytest.raises(ValueError, match=said):
                pooling.fit_transform(cells.to_frame())


@pytest.mark.filterwarnings("error:.*one frame")
def test_frames_of_two_dimensions_are_not_talked_about():
    cells = object_column([np.ones((20, 1)), np.ones((1, 1))], pd.RangeIndex(2), "audio__frames")
    assert StatisticsPooling(["mean"]).fit_transform(cells.to_frame()).shape == (2, 1)
