"""The page in headless Chromium: nothing wider than the screen, and it prints."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from emoest.evaluation import evaluate

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

FRAME = """<body><iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  document.title = page.documentElement.scrollWidth + " of " + page.documentElement.clientWidth;
  document.body.append(getComputedStyle(page.querySelector(".emoest")).backgroundColor);
}}</script></body>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page with long names everywhere, and many classes and models."""
    folder = tmp_path_factory.mktemp("page")
    n = 240
    y = np.tile([*"abcdef", "surprised and even more", "x" * 60], n // 8)
    models = {f"model {i} of a long name": DummyClassifier() for i in range(3)}
    models["y" * 80] = DummyClassifier(strategy="stratified")
    groups = np.repeat([f"{'z' * 70}{i}" for i in range(12)], n // 12)
    result = evaluate(
        models, np.zeros((n, 2)), y, groups=groups, cv=3, n_resamples=50, random_state=0
    )
    result.to_html(folder / "page.html", subgroups={"kind " * 20: groups}, note="w" * 300)
    return folder


def chromium(folder, *arguments):
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    command = [CHROMIUM, "--headless", "--no-sandbox", "--allow-file-access-from-files", *quiet]
    command += [f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_wider_than_the_screen(folder, width, scheme):
    (folder / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    dark = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    dom = chromium(folder, dark, "--dump-dom", (folder / "frame.html").as_uri())
    found, given = re.search(r"<title>(\d+) of (\d+)</title>", dom).groups()
    assert int(given) >= width - 20
    assert int(found) <= int(given)
    assert ("rgb(20, 24, 29)" if scheme == "dark" else "rgb(255, 255, 255)") in dom


def test_it_prints_on_paper(folder):
    path = folder / "page.pdf"
    chromium(folder, f"--print-to-pdf={path}", (folder / "page.html").as_uri())
    pdf = path.read_bytes()
    assert pdf.startswith(b"%PDF")
    width, height = map(float, re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())
    # A4 in points, as the page asks.
    assert (round(width), round(height)) == (595, 842)
