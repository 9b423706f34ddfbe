#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Core files made by hand: small, and wrong in whatever way a test likes.

    core_file.py DIR        writes some into DIR/cores, and their notes into DIR/notes
"""
import os
import struct
import sys

NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE, NT_SIGINFO = 1, 3, 6, 0x46494c45, 0x53494749
AT_PHDR, AT_SYSINFO_EHDR = 3, 33
PT_LOAD, PT_NOTE, PF_X, PF_W, PF_R = 1, 4, 1, 2, 4
ET_EXEC, ET_CORE = 2, 4
PAGE = 4096


def note(kind, data, owner=b"CORE\0"):
    return struct.pack("<III", len(owner), len(data), kind) + owner.ljust(8, b"\0") + \
        data.ljust((len(data) + 3) // 4 * 4, b"\0")


def prpsinfo(pid=4711, name=b"python3", args=b"python3 server.py"):
    return note(NT_PRPSINFO, struct.pack("<4B4xQII4i16s80s", 0, ord("R"), 0, 0, 0, 1000, 1000, pid, 1,
                                         pid, pid, name, args))


def prstatus(tid=4711, signo=0, rip=0x401000, rsp=0x7ffe00000800):
    regs = [0] * 27
    regs[15], regs[16], regs[19] = (1 << 64) - 1, rip, rsp
    return note(NT_PRSTATUS, struct.pack("<iiihxxQQ4i8Q", signo, 0, 0, signo, 0, 0, tid, 1, tid, tid,
                                         *[0] * 8) + struct.pack("<27Qi4x", *regs, 0))


def siginfo(signo=11, code=1, rest=struct.pack("<Q", 0x75bcd15)):
    return note(NT_SIGINFO, (struct.pack("<iii4x", signo, 0, code) + rest).ljust(128, b"\0"))


def auxv(*pairs):
    return note(NT_AUXV, b"".join(struct.pack("<QQ", *pair) for pair in (*pairs, (0, 0))))


def mapped(*files, count=None):
    """(start, end, page, path) of each."""
    return note(NT_FILE, struct.pack("<QQ", len(files) if count is None else count, PAGE) +
                b"".join(struct.pack("<QQQ", *file[:3]) for file in files) +
                b"".join(file[3] + b"\0" for file in files))


def elf(kind=ET_CORE, machine=62, headers=(), contents=b"", **also):
    """Headers are (type, flags, offset of its content, address, size in file, in memory)."""
    where = 64 + 56 * len(headers)
    fields = {"phoff": 64, "phentsize": 56, "phnum": len(headers), "shoff": 0, **also}
    return b"\x7fELF\2\1\1".ljust(16, b"\0") + \
        struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, fields["phoff"], fields["shoff"], 0, 64,
                    fields["phentsize"], fields["phnum"], 0, 0, 0) + \
        b"".join(struct.pack("<IIQQQQQQ", h[0], h[1], where + h[2], h[3], 0, h[4], h[5], 1)
                 for h in headers) + contents


def core(notes, segments=()):
    """Segments are (address, flags, bytes kept, size in memory)."""
    contents, headers = notes, [(PT_NOTE, PF_R, 0, 0, len(notes), 0)]
    for address, flags, kept, size in segments:
        headers.append((PT_LOAD, flags, len(contents), address, len(kept), size))
        contents += kept
    return elf(headers=headers, contents=contents)


def program(build_id=b"\1" * 20):
    """The first page of an executable."""
    ident = struct.pack("<III", 4, len(build_id), 3) + b"GNU\0" + build_id
    return elf(ET_EXEC, headers=[(PT_LOAD, PF_R, -176 - 56, 0x400000, 0x1000, 0x1000),
                                 (PT_LOAD, PF_R | PF_X, 0x1000 - 176 - 56, 0x401000, 0x1000, 0x1000),
                                 (PT_NOTE, PF_R, 0, 0x400000 + 64 + 56 * 3, len(ident), len(ident))],
               contents=ident).ljust(PAGE, b"\0")


NOTES = {
    "fault": prpsinfo() + prstatus(signo=11) + siginfo() + auxv((AT_PHDR, 0x400040)) +
             mapped((0x400000, 0x401000, 0, b"/opt/python3"), (0x401000, 0x402000, 1, b"/opt/python3")) +
             prstatus(tid=4712),
    "sent": prpsinfo() + prstatus(signo=7) + siginfo(7, 0, struct.pack("<iI", 23, 1000)),
    "vdso": prpsinfo() + prstatus() + siginfo(19, 0) + auxv((AT_SYSINFO_EHDR, 0x7fff00000000)),
    "none": b"",
}
STACK = (0x7ffe00000000, PF_R | PF_W, bytes(PAGE), PAGE)
CORES = {
    "fault": core(NOTES["fault"], [(0x400000, PF_R, program(), PAGE), STACK]),
    "sent": core(NOTES["sent"], [STACK]),
    "vdso": core(NOTES["vdso"], [(0x7fff00000000, PF_R | PF_X, program(), 2 * PAGE)]),
    "none": core(NOTES["none"]),
}


def main(directory):
    for kind, made in ("cores", CORES), ("notes", NOTES):
        os.makedirs(os.path.join(directory, kind))
        for name, content in made.items():
            with open(os.path.join(directory, kind, name), "wb") as file:
                file.write(content)


if __name__ == "__main__":
    main(sys.argv[1])
