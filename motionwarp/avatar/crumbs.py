"""Crumbs of sheets: soft specks that hang together with nothing, and would float beside a person who moves. Ours.

Where one part of a person ends behind another, rims of both overlap, and what a matte or a border leaves of them
beyond is a speck. In the photo it cannot be told from what is beside it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from motionwarp.avatar.sheets import Sheets

_SMALL: Final = 0.08  # of the triangles of a part's largest piece
_FIRM: Final = 0.4  # of a piece's triangles: what is opaque by more is no speck


def without_crumbs(sheets: Sheets) -> Sheets:
    """Return one part's sheets without small pieces that are hardly opaque; vertices stay, though none needs them."""
    faces = sheets.faces
    # front, back and walls of a piece share places, not vertices
    _, place = np.unique(sheets.positions.view(np.dtype((np.void, 12))).ravel(), return_inverse=True)
    ends = place[faces]
    links = np.concatenate([ends[:, [0, 1]], ends[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(links)), links.T), shape=(int(place.max()) + 1,) * 2)
    piece = np.asarray(connected_components(graph, directed=False)[1])[ends[:, 0]]
    sizes = np.bincount(piece)
    firm = np.bincount(piece, weights=sheets.layers % 2)
    crumbs = (sizes < _SMALL * sizes.max()) & (firm < _FIRM * sizes)
    if not crumbs[piece].any():
        return sheets
    kept = ~crumbs[piece]
    return replace(sheets, faces=np.ascontiguousarray(faces[kept]), layers=np.ascontiguousarray(sheets.layers[kept]))
