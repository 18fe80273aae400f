"""CPU by the number of repositories, both by powers of ten, as a picture for the docs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pygal
from pygal.style import CleanStyle

from bench.figures import Peer
from bench.measure import Cost


def plot(costs: Mapping[int, Cost], peers: Sequence[Peer], repositories: int, place: Path) -> None:
    """`costs` are the janitor's; a peer runs once for each repository, so its line is straight."""
    chart = pygal.XY(
        style=CleanStyle,
        logarithmic=True,
        title="CPU for one look at repositories without old locks (files)",
        x_title="repositories",
        y_title="seconds of CPU",
        legend_at_bottom=True,
        xrange=(min(costs), max(costs)),
        width=800,
        height=500,
        js=(),
        disable_xml_declaration=True,
    )
    chart.x_labels = tuple(costs)
    for peer in peers:
        if peer.where == "files" and "janitor" not in peer.name:
            each = peer.cpu / repositories
            chart.add(peer.name, [(count, each * count) for count in costs])
    chart.add("restic-janitor", [(count, cost.cpu) for count, cost in costs.items()])
    chart.render_to_file(str(place))
