"""Makes the PyTorch checkpoints the tests read, and the same tensors as safetensors to compare with.

    python make_pytorch_fixtures.py [OUTPUT_DIR]      (default: pytorch/ beside this script; needs torch and safetensors)

<name>.pt is read and equals <name>.safetensors in names, types, shapes and bytes. refused-*.pt are refused: one by a
rule each. refused-system.pt and refused-eval.pt would run code if they were unpickled; this script never loads them.
Two runs give the same bytes, but for refused-legacy.pt, which holds addresses, and the times in refused-script.pt.
"""
import builtins
import collections
import io
import os
import pickle
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8,
          torch.uint8, torch.bool, torch.complex64, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn,
          torch.float8_e5m2]


class Call:
    """Pickled as a call of `function`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def every_dtype():
    values = torch.tensor([0.0, 1.0, 2.0, 3.0, 5.0, 8.0])
    return {str(dtype).removeprefix("torch."): values.to(dtype).reshape(2, 3) for dtype in DTYPES}


def module():
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 3))


def views():
    base = torch.arange(24, dtype=torch.float32)
    tied = torch.arange(6, dtype=torch.float16).reshape(3, 2)
    return {"whole": base.reshape(2, 3, 4), "tail": base[20:], "row": base.reshape(4, 6)[2], "thin": base[5:9].reshape(4, 1).t(),
            "column": base[::6].as_strided((4, 1), (1, 99)), "embedding": tied, "head": tied, "scalar": torch.tensor(2.5),
            "inside": base[7], "empty": torch.empty(3, 0, 2), "nothing": base[24:]}


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "pytorch"
    folder.mkdir(exist_ok=True)

    def keep(name, saved, tensors, **how):
        torch.save(saved, folder / f"{name}.pt", **how)
        save_file({n: t.detach().clone().contiguous() for n, t in tensors.items()}, folder / f"{name}.safetensors")

    keep("dtypes", every_dtype(), every_dtype())
    keep("views", views(), views())
    state = module().state_dict()
    keep("module", state, state)
    parameters = collections.OrderedDict((n, torch.nn.Parameter(p)) for n, p in module().named_parameters())
    keep("parameters", parameters, parameters)
    keep("protocol-3", state, state, pickle_protocol=3)
    keep("protocol-4", state, state, pickle_protocol=4)
    for wrapper in ["state_dict", "model", "module"]:
        keep(f"wrapped-{wrapper}",
             {"epoch": 3, "config": {"lr": 1e-3, "sizes": torch.Size([1, 2]), "device": torch.device("cpu"), "dtype": torch.float16,
                                     "nested": [None, True, -5, 70_000, 1 << 40, 1 << 70, (1, 2, 3, 4)]},
              wrapper: state, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}, state)
    beside = {"weight": torch.ones(2), "epoch": 3, "names": ["a", "b"]}
    keep("beside", beside, {"weight": beside["weight"]})

    refused = {
        "system": {"weight": Call(os.system, "true")}, "eval": {"weight": Call(builtins.eval, "1 + 1")},
        "transposed": {"weight": torch.arange(6.0).reshape(2, 3).t()}, "expanded": {"weight": torch.ones(1).expand(4)},
        "optimizer-beside": {"weight": torch.ones(2), "optimizer": {"exp_avg": torch.ones(2)}},
        "no-tensors": {"epoch": 3}, "list": [torch.ones(2)], "two-wrappers": {"model": state, "module": state},
        "sparse": {"weight": torch.eye(2).to_sparse()}, "number-name": {1: torch.ones(2)},
        "conjugated": {"weight": torch.ones(2, dtype=torch.complex64).conj()},
    }
    for name, saved in refused.items():
        torch.save(saved, folder / f"refused-{name}.pt")
    torch.save(state, folder / "refused-legacy.pt", _use_new_zipfile_serialization=False)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module().eval()), buffer)
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(folder / "refused-script.pt", "w") as kept:
        for name in made.namelist():
            if not name.endswith(".debug_pkl"):  # they hold the paths of the machine
                kept.writestr(name, made.read(name))
    (folder / "refused-plain.pt").write_bytes(pickle.dumps({"weight": [1, 2]}, protocol=2))
    for file in folder.iterdir():
        file.chmod(0o644)
    print(f"{sum(file.stat().st_size for file in folder.iterdir())} bytes in all")


if __name__ == "__main__":
    main()
