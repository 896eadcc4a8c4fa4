"""`emoest embed`: the vectors of a table, part by part, here or on a cluster of Dask."""

import argparse
from pathlib import Path
from typing import Any

from emoest._cli.data import add_length_option, check_lengths, read_columns
from emoest._cli.shared import add_command, show, whole
from emoest._cli.systems import ENCODERS, make_embedding

_MORE = """\
The folder gets one file of parquet a part, written whole; a part that is there is not made again,
so an interrupted run goes on. pandas.read_parquet(FOLDER) reads all in the order of the table.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "embed",
        _embed,
        about="embed a table of recordings and texts into a folder of parquet",
        more=_MORE,
        example="emoest embed mine.csv vectors --audio whisper --keep speaker --workers 2",
    )
    parser.add_argument("table", type=Path, help="a csv or parquet file: audio, text or face")
    parser.add_argument("out", type=Path, help="the folder, new or begun by the same command")
    for modality, known in ENCODERS.items():
        parser.add_argument(
            f"--{modality}",
            metavar="ENCODER[=MODEL]",
            help=f"encoder of {modality}: {', '.join(known)}",
        )
    parser.add_argument(
        "--keep", action="append", default=[], help="a column that is written beside (repeated)"
    )
    parser.add_argument("--rows", type=whole(1), default=256, help="rows of a part (default 256)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=whole(1), help="a cluster of so many processes here")
    where.add_argument("--scheduler", help="address of a scheduler of Dask that is there")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_length_option(parser)


def _embed(arguments: argparse.Namespace) -> None:
    from emoest.embeddings import embed_corpus

    named = [name for name in ENCODERS if getattr(arguments, name) is not None]
    if not named:
        arguments.parser.error("name an encoder: --audio, --text or --face.")
    X = read_columns(arguments.table, [*named, *arguments.keep])
    check_lengths(X, arguments.max_minutes)
    pipeline = make_embedding(arguments, X).set_output(transform="pandas")
    # Workers and parts show one bar together.
    for _, encoder, _ in pipeline.transformers:
        encoder.set_params(verbose=0)
    client = _client(arguments)
    try:
        parts = embed_corpus(
            X,
            pipeline,
            arguments.out,
            keep=arguments.keep,
            rows_per_part=arguments.rows,
            client=client,
            verbose=0 if arguments.quiet else 1,
        )
    except RuntimeError as error:
        # Parts that failed, or a worker of another version: both say what to do.
        raise ValueError(str(error)) from error
    except KeyboardInterrupt as stop:
        told = "Parts that were written are kept; the same command goes on."
        raise KeyboardInterrupt(told) from stop
    finally:
        if client is not None:
            client.close()
    made = int((parts["seconds"] > 0).sum())
    value = {"folder": str(arguments.out), "rows": len(X), "parts": len(parts), "made": made}
    text = f"{len(X)} rows in {len(parts)} parts, {made} of them made now: {arguments.out}"
    show(arguments, value, text)


def _client(arguments: argparse.Namespace) -> Any:
    """Connect to the cluster that was asked for; None where there is none."""
    if arguments.workers is None and arguments.scheduler is None:
        return None
    from emoest.utils.optional import import_optional

    distributed = import_optional("distributed", extra="dask", purpose="emoest embed --workers")
    if arguments.scheduler is not None:
        return distributed.Client(arguments.scheduler)
    return distributed.Client(
        n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None
    )
