import threading

from emoest.embeddings import _model_cache as module
from emoest.embeddings._model_cache import loaded_model


def test_threads_load_once():
    loads = []

    def load():
        loads.append(1)
        return object()

    got = []
    threads = [
        threading.Thread(target=lambda: got.append(loaded_model("k", "d", "cpu", load)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len({id(model) for model in got}) == 1


def test_the_cache_of_models_is_keyed_and_bounded():
    first = loaded_model("k", "d0", "cpu", object)
    assert loaded_model("k", "d0", "cuda", object) is not first
    assert loaded_model("other", "d0", "cpu", object) is not first
    for i in range(1, module.MAX_LOADED):
        loaded_model("k", f"d{i}", "cpu", object)
        loaded_model("k", "d0", "cpu", object)
    assert loaded_model("k", "d0", "cpu", object) is first
    assert len(module._loaded) == module.MAX_LOADED
