"""Labelled images: readers for common file formats, named data sets, and data folders. Needs no torch."""

from modelprint.data.data_set import DataSet, split
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.reading import load_data
from modelprint.data.roots import data_roots, user_folder, weights_path
from modelprint.data.sets import SETS, NamedSet, SetStatus, list_sets

__all__ = [
    "SETS",
    "DataSet",
    "LabelledImages",
    "NamedSet",
    "SetStatus",
    "data_roots",
    "list_sets",
    "load_data",
    "split",
    "user_folder",
    "weights_path",
]
