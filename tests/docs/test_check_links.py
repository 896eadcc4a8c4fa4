import pytest
from check_links import faults

OTHER = '<h2 id="here">Here</h2>'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<a href="other.html">o</a>', None),
        ('<a href="other.html#here">o</a>', None),
        ('<a href="deep/">o</a>', None),
        ('<a href="#top">o</a>', None),
        ('<a href="https://example.org/x">o</a>', None),
        ('<a href="mailto:a@example.org">o</a>', None),
        ('<img src="data:image/png;base64,AAAA">', None),
        ('<a href="gone.html">o</a>', "links to gone.html, which is not there"),
        ('<a href="other.html#there">o</a>', "a place that the page does not have"),
        ('<a href="#there">o</a>', "a place that the page does not have"),
        ('<img src="gone.png">', "links to gone.png, which is not there"),
        ('<script src="https://example.org/x.js"></script>', "from elsewhere"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "from elsewhere"),
    ],
)
def test_what_leads_nowhere_is_said(tmp_path, body, said):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "index.html").write_text("<p>deep</p>")
    (tmp_path / "other.html").write_text(OTHER)
    (tmp_path / "index.html").write_text(body)
    found = list(faults(tmp_path))
    if said is None:
        assert found == []
    else:
        assert any(line.startswith("index.html ") and said in line for line in found)


def test_templates_of_the_theme_are_no_pages(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "x.html").write_text('<a href="{{ pathto(1) }}">o</a>')
    assert list(faults(tmp_path)) == []
