import pytest

from emoest.utils.devices import resolve_device


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:1") == "cuda:1"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert resolve_device("auto") == "cpu"


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "is no device of torch"), ("cuda", "torch finds no CUDA device")],
)
def test_a_device_that_is_not_there_is_named(monkeypatch, device, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match=message):
        resolve_device(device)
