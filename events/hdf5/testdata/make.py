"""Makes the files of this folder with h5py 3.7, PyTables 3.7 and pandas 1.5.

    python3 make.py zmumu_pandas_table_strings.h5

The argument holds Z -> mu mu events, of which the first 300 are taken.
"""
import sys

import h5py
import numpy as np
import pandas as pd
import tables

events = pd.read_hdf(sys.argv[1]).head(300)
events.to_csv("zmumu.csv", index=False)
numbers = events.drop(columns=["Type1", "Type2"])

# Frames of pandas.
numbers.to_hdf("fixed.h5", "df", format="fixed")
numbers.to_hdf("fixed_blosc.h5", "df", format="fixed", complib="blosc", complevel=5)
events.to_hdf("table.h5", "df", format="table", index=False, complib="zlib", complevel=4)
events.to_hdf("table_columns.h5", "df", format="table", index=False, data_columns=True)
for codec in "blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd":
    numbers.to_hdf(f"table_{codec}.h5", "df", format="table", index=False, complib="blosc:" + codec, complevel=9)
with pd.HDFStore("two_frames.h5", "w") as store:
    store.put("signal/muons", numbers.head(10), format="fixed")
    store.put("background", numbers.tail(20), format="table", index=False)
missing = pd.DataFrame({"name": ["a", np.nan, "b"], "x": [1.0, np.nan, 3.0]})
missing.to_hdf("table_missing.h5", "df", format="table", index=False)


# A frame with a block of texts, which pandas keeps as Python objects.
numbers.head(5).to_hdf("fixed_objects.h5", "df", format="fixed")
with tables.open_file("fixed_objects.h5", "a") as f:
    f.remove_node("/df/axis0")
    f.create_array("/df", "axis0", obj=np.array([name.encode() for name in events.columns]))
    f.root.df.axis0._v_attrs.kind = "string"
    f.create_array("/df", "block2_items", obj=np.array([b"Type1", b"Type2"]))
    f.create_vlarray("/df", "block2_values", tables.ObjectAtom(), chunkshape=1).append(events[["Type1", "Type2"]].head(5).values.T)
    f.root.df._v_attrs.nblocks, f.root.df._v_attrs.block2_items_variety = 3, "regular"
    f.root.df.block2_items._v_attrs.kind = "string"

# PyTables: every setting of blosc, on 1500 values each of 1, 2, 4, 8 bytes and a record of 21.
i = np.arange(1500)
with tables.open_file("blosc.h5", "w") as f:
    kinds = {"u1": (i % 251).astype("u1"), "i2": (i % 5 * 7).astype("<i2"), "f4": (i // 3).astype("<f4"), "f8": i / 4}
    for codec in "blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd":
        for order in "plain", "shuffle", "bitshuffle":
            how = tables.Filters(complevel=5, complib="blosc:" + codec, shuffle=order == "shuffle", bitshuffle=order == "bitshuffle")
            for kind, values in kinds.items():
                f.create_carray("/" + codec + "/" + order, kind, obj=values, filters=how, chunkshape=(600,), createparents=True)
    record = np.zeros(1500, dtype=[("a", "<f8"), ("b", "<i4"), ("c", "S9")])
    record["a"], record["b"], record["c"] = i / 4, i, [b"event%d" % k for k in i]
    f.create_table("/", "record", obj=record, filters=tables.Filters(complevel=9, complib="blosc:lz4"), chunkshape=(700,))

# h5py: types. Row i of every column is i, or what its kind makes of it.
i = np.arange(50)
with h5py.File("types.h5", "w") as f:
    for order in "<", ">":
        group = f.create_group({"<": "little", ">": "big"}[order])
        for kind in "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8":
            values = i if kind[0] == "u" else 10 - i
            group.create_dataset(kind, data=values.astype(order + kind))
    other = f.create_group("other")
    other["bool"] = i % 2 == 0
    other["fixed"] = np.array([b"event %d" % k for k in i])
    other["text"] = np.array(["\u00e9v\u00e9nement %d" % k for k in i], dtype=object)
    other.create_dataset("packed_text", data=np.array(["event %d" % k for k in i], dtype=object), chunks=(16,), compression="gzip")
    other["column"] = i[:, None].astype("f4")
    other["long_double"] = i.astype("longdouble")
    other["complex"] = i * (1 + 2j)
    other.create_dataset("lists", data=[np.arange(k % 3) for k in i], dtype=h5py.vlen_dtype("i4"))
    other["cube"] = np.zeros((50, 2, 2))
    other["large"] = np.where(i == 7, 2**63 + 1, i).astype("u8")
    other["far"] = np.where(i == 7, 1e300, i)
    inner = np.dtype([("x", "<f4"), ("v", "<i2", (2,))])
    record = np.zeros(50, dtype=[("id", "<u4"), ("in", inner), ("name", "S5"), ("label", h5py.string_dtype())])
    record["id"], record["in"]["x"], record["in"]["v"][:, 1], record["name"] = i, i / 2, i, b"mu"
    record["label"] = ["no %d" % k for k in i]
    f["record"] = record
    f["record_of_numbers"] = record[["id", "in"]]

# h5py: storage. Value [i, k] of every matrix is 100 k + i; columns are named by an attribute.
i, k = np.meshgrid(np.arange(70), np.arange(5), indexing="ij")
matrix = (100 * k + i).astype("f4")
store = {
    "contiguous": {},
    "chunks": dict(chunks=(16, 5)),
    "stripes": dict(chunks=(16, 2), compression="gzip"),
    "shuffled": dict(chunks=(32, 5), compression="gzip", shuffle=True, fletcher32=True),
    "lzf": dict(chunks=(32, 5), compression="lzf", shuffle=True),
    "lzf_checked": dict(chunks=(32, 3), compression="lzf", fletcher32=True),
    "scaleoffset": dict(chunks=(32, 5), scaleoffset=0),
    "growing": dict(chunks=(16, 5), maxshape=(None, None), compression="gzip"),
}
for name, version in ("storage.h5", "earliest"), ("storage_latest.h5", "latest"):
    with h5py.File(name, "w", libver=version, userblock_size=512 if version == "latest" else 0) as f:
        for key, how in store.items():
            f.create_dataset(key, data=matrix.astype("i4") if key == "scaleoffset" else matrix, **how)
            f[key].attrs["columns"] = ["a", "b", "c", "d", "e"]
        f.create_dataset("szip", data=matrix, chunks=(32, 5), compression="szip")
        f["szip"].attrs["columns"] = ["a", "b", "c", "d", "e"]
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((70, 5)), dcpl=how)
        f["compact"][:] = matrix
        f["compact"].attrs["columns"] = ["a", "b", "c", "d", "e"]
        f.create_dataset("holes", shape=(70, 5), chunks=(16, 2), dtype="f4", fillvalue=-999, compression="gzip")
        f["holes"][20:30] = matrix[20:30]

# h5py: layouts of tables, links.
with h5py.File("layouts.h5", "w") as f:
    f["xy/x"], f["xy/y"] = matrix, np.arange(70)
    f["xy/x"].attrs["units"] = ["GeV", "GeV", "rad", "", "cm"]
    f["named/events"], f["named/columns"] = matrix, np.array([b"a", b"b", b"c", b"d", b"e"])
    f["nested/jet1/pt"], f["nested/jet2/pt"] = np.arange(9.0), -np.arange(9.0)
    f["nested/jet1/pt"].attrs["units"] = "GeV"
    f["ragged/a"], f["ragged/b"] = np.arange(3), np.arange(4)
    f["loop/self"] = f["/"]
    f["loop/again"] = f["xy/x"]
    f["soft"] = h5py.SoftLink("/xy/x")
    f["elsewhere"] = h5py.ExternalLink("types.h5", "/record")
    f["scalar"] = 3.0
    f.create_dataset("side", data=np.zeros((2, 70000), "i1"), compression="gzip")
    f["empty"] = np.zeros(0, "f4")
    layout = h5py.VirtualLayout((70, 5), "f4")
    layout[:] = h5py.VirtualSource("storage.h5", "chunks", (70, 5))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("outside", (5,), "f4", external=[("/etc/hostname", 0, 20)])

# What cannot be read, beside what can.
with h5py.File("foreign.h5", "w") as f:
    f["eta"] = np.arange(12) / 4
    f["z"] = np.arange(12) + 1j
    f["scalar"], f["meta"] = 1.0, np.arange(3)
    f["opaque"] = np.zeros(12, "V5")
    f["gone"] = h5py.SoftLink("/nowhere")
    f.create_dataset("lists", (12,), dtype=h5py.vlen_dtype("f4"))
    f.create_dataset("_i_events/id/bounds", data=np.zeros((4, 3)))
    for name, number in ("lzo", 305), ("bitshuffle", 32008):
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk((5,))
        how.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(f.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((12,)), how)

# Several values an event: x[p][k] of event i is 100 i + 10 p + k, and so on.
i = np.arange(12)
with h5py.File("arrays.h5", "w") as f:
    digits = lambda *n: np.fromfunction(lambda *at: sum(a * 10 ** (len(at) - 1 - k) for k, a in enumerate(at)), n)
    f.create_dataset("x", data=digits(12, 3, 2).astype("<f4"), chunks=(5, 2, 1), compression="gzip", shuffle=True)
    f.create_dataset("cube", data=digits(12, 2, 3, 2), chunks=(7, 1, 2, 2), compression="lzf")
    f["mask"], f["y"] = digits(12, 3) % 2 == 0, i
    tracks = np.zeros((12, 4), [("d0", "<f4"), ("at", [("n", ">i4")])])
    tracks["d0"], tracks["at"]["n"] = digits(12, 4), -digits(12, 4)
    jets = np.zeros(12, [("pt", "<f8")])
    jets["pt"] = i / 2
    f["ftag/jets"], f["ftag/meta"] = jets, np.arange(3)
    f.create_dataset("ftag/tracks", data=tracks, chunks=(5, 3))
    f.create_dataset("triples", (12,), np.dtype(("<i2", (3,))))
    f["triples"][...] = np.c_[i, 10 * i, 100 * i]

# Missing times and categories.
times = pd.Series(pd.date_range("2012-01-01", periods=4)).where([True, False, True, True])
frame = pd.DataFrame({"x": np.arange(4) / 2, "t": times, "span": times - times[0], "whole": pd.date_range("2012-01-01", periods=4)})
frame.to_hdf("times.h5", "fixed")
frame["c"] = pd.Categorical(["b", None, "a", "b"])
frame.to_hdf("times.h5", "table", format="table", index=False, complib="zlib", complevel=9)
frame.to_hdf("times.h5", "columns", format="table", index=False, data_columns=True, complib="zlib", complevel=9)

# Columns whose names are of two levels.
pd.DataFrame({("a", "x"): [1.0, 2], ("a", "y"): [3.0, 4]}).to_hdf("levels.h5", "df")
