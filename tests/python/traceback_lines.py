# SPDX-License-Identifier: Apache-2.0
"""The line of every instruction of the standard library, by our own reading of location tables,
beside what Python says of it in both of its ways."""
import ctypes
import glob
import os
import sys
import types
import warnings

sys.path.insert(0, os.path.dirname(__file__))
from traceback_by import shim, tell  # noqa: E402

addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.argtypes = ctypes.py_object, ctypes.c_int


def codes_of(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_of(constant)


def codes_of_library():
    library = os.path.dirname(os.__file__)
    for path in sorted(glob.glob(f"{library}/*.py") + glob.glob(f"{library}/asyncio/*.py")):
        with open(path, "rb") as file:
            source = file.read()
        yield from codes_of(compile(source, path, "exec", dont_inherit=True))


def lines_of(code):
    table = code.co_linetable
    count = len(code.co_code) // 2
    lines = (ctypes.c_int * count)()
    shim.shim_lines(table, len(table), code.co_firstlineno, count, lines)
    return lines[:]


def compare(code, every):
    """What is wrong; every: each instruction is asked of PyCode_Addr2Line(), too."""
    ours = lines_of(code)
    theirs = [-1 if line is None else line for line, _, _, _ in code.co_positions()]
    asked = [addr2line(code, 2 * i) for i in range(0, len(ours), 1 if every else 50)]
    if ours != theirs:
        yield f"{code.co_filename} {code.co_name}: {ours} for co_positions {theirs}"
    if ours[::1 if every else 50] != asked:
        yield f"{code.co_filename} {code.co_name}: {ours} for PyCode_Addr2Line {asked}"


def main():
    warnings.simplefilter("ignore")
    wrong, codes, instructions = [], 0, 0
    for code in codes_of_library():
        codes += 1
        instructions += len(code.co_code) // 2
        wrong += compare(code, codes % 10 == 0)
    tell("code objects", wrong, codes)
    tell("instructions", wrong, instructions)
    code = compare.__code__
    end = len(code.co_code)
    beside = [(offset, shim.shim_line_at(code.co_linetable, len(code.co_linetable),
                                         code.co_firstlineno, offset), addr2line(code, offset))
              for offset in (-2, end, end + 2, 2 ** 30)]
    tell("beside", [one for one in beside if one[1] != one[2]], len(beside))


main()
