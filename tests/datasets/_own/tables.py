"""A table of one's own in a file."""


def write(folder, *lines, encoding="utf-8"):
    path = folder / "mine.csv"
    path.write_text("\n".join(lines), encoding=encoding)
    return path
