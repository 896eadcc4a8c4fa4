"""The card is Markdown in which names stay names."""

from emoest.persistence._card import write_card
from emoest.persistence._record import SystemRecord


def test_names_cannot_become_markup():
    record = SystemRecord(
        "SVC",
        "2026-01-01",
        {"python": "3.11"},
        columns=["a`<script>", "b\n# c"],
        classes=["*sad*"],
    )
    card = write_card(record, "SVC()\n```\n<script>", None)
    assert "`a'<script>, b\\n# c`" in card and "`*sad*`" in card
    assert card.count("```") == 4


def test_weights_and_untrusted_types_are_named():
    weights = [{"encoder": "YAMNetEmbedder", "name": "yamnet", "sha256": "ab" * 32}]
    record = SystemRecord("Pipeline", "2026-01-01", {}, weights=weights, untrusted=["my.Type"])
    card = write_card(record, "Pipeline()", "# Own")
    assert "ab" * 32 in card and "load_system(path, trusted=['my.Type'])" in card
