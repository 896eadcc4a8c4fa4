import pytest

from tests.markdown_page import blocks, run_page

PAGE = """# A page

```python
def double(x):
    return 2 * x
```

```python
>>> double(3)
6
>>> kept = double(4)

```

```bash
make test
```

<!-- not run: needs a corpus -->
```python
load("/nowhere")
```

```python
assert kept == 8
```
"""


def write(tmp_path, text):
    (tmp_path / "page.md").write_text(text)
    return tmp_path / "page.md"


def test_examples_share_a_namespace_and_say_why_they_do_not_run(tmp_path):
    assert run_page(write(tmp_path, PAGE)) == 3
    assert [block.reason for block in blocks(PAGE)] == [None, None, "needs a corpus", None]
    assert [block.line for block in blocks(PAGE)] == [3, 8, 20, 24]


@pytest.mark.parametrize(
    ("old", "new", "raised", "said"),
    [
        ("\n6\n", "\n7\n", AssertionError, "Expected:\n    7\nGot:\n    6"),
        (">>> kept = double(4)", ">>> kept = triple(4)", AssertionError, "NameError"),
        ("kept == 8", "kept == 9", AssertionError, ""),
        ("    return 2 * x", "    return 2 *", SyntaxError, "page.md>, line 5"),
    ],
)
def test_an_example_that_fails_or_shows_something_else_raises(tmp_path, old, new, raised, said):
    with pytest.raises(raised) as error:
        run_page(write(tmp_path, PAGE.replace(old, new)))
    assert said in str(error.value)
