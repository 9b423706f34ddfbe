/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a function called Py… one of CPython's? Others call theirs so as well. What CPython's public
 * functions, and those of its own extension modules, begin with, as of 3.15.
 */
#include <string.h>

#include "triage/facts.h"

static const char *const words[] = {
	"", "ABI", "ABIInfo", "AIter", "AnySet", "Arena", "Arg", "AsyncGen", "Atomic", "BZ2",
	"BaseException", "Bool", "Buffer", "BufferedIO", "ByteArray", "Bytes", "BytesIO",
	"BytesWriter", "CArg", "CArray", "CArrayType", "CData", "CField", "CFuncPtr",
	"CFuncPtrType", "CFunction", "CMethod", "CObject", "CPointerType", "CSimpleType",
	"CStructType", "CStructUnionType", "CThunk", "CallIter", "Callable", "Capsule", "Cell",
	"Class", "ClassMethod", "Code", "Codec", "Compile", "CompilerFlags", "Complex", "Config",
	"Context", "ContextToken", "ContextVar", "Coro", "CriticalSection", "CriticalSection2",
	"Curses", "CursesPanel", "DType", "Date", "DateTime", "Dec", "DecType", "Delta", "Descr",
	"Dict", "DictKeys", "DictProxy", "DictValues", "Element", "Ellipsis", "Enum", "Err",
	"Eval", "Event", "Exc", "Exception", "ExceptionClass", "ExceptionInstance", "Expat",
	"FPE", "FastSequence", "File", "FileIO", "Float", "Frame", "FrameLocalsProxy", "FrozenDict",
	"FrozenSet", "Function", "Future", "GC", "GILState", "Gen", "Grammar", "HKEY", "Hash",
	"Heap", "IOBase", "Import", "IncrementalNewlineDecoder", "InstanceMethod", "Instance",
	"Instruction", "Instrumentation", "Int", "Interpreter", "InterpreterConfig",
	"InterpreterGuard", "InterpreterState", "InterpreterView", "Iter", "JIT", "LZMA", "Lazy",
	"LegacyWindows", "List", "Locale", "Lock", "Long", "LongWriter", "Mapping", "Marshal",
	"Mem", "Member", "MemoryView", "Method", "MethodDescr", "Module", "ModuleDef", "Monitoring",
	"Mutex", "Namespace", "Node", "Number", "ODict", "OS", "Object", "Once", "Operator",
	"Optimizer", "ParkingLot", "Parser", "Path", "PathConfig", "Pattern", "Pegen",
	"PickleBuffer", "PreConfig", "Property", "RWMutex", "Range", "RawMutex", "RefTracer",
	"Repr", "Reversed", "Run", "Runtime", "SSL", "ST", "STEntry", "Semaphore", "SeqIter",
	"SeqLock", "Sequence", "Set", "Signal", "Slice", "Socket", "Stack", "State", "StaticMethod",
	"Static", "Stats", "Status", "StdPrinter", "StringIO", "String", "Struct", "StructSequence",
	"Suspended", "SymTable", "Symtable", "Sys", "TextIOWrapper", "Thread", "ThreadState",
	"ThreadStateToken", "Time", "Token", "Tokenizer", "TraceBack", "TraceMalloc", "Traceback",
	"Trash", "Tuple", "Type", "TZInfo", "Unicode", "UnicodeDecodeError", "UnicodeEncodeError",
	"UnicodeTranslateError", "UnicodeWriter", "Union", "Unstable", "Vectorcall", "WStringList",
	"Warnings", "Weakref", "WideStringList", "Windows", "Wrapper", "Zlib", "Zstd", NULL,
};

bool facts_names_cpython(const char *function)
{
	const char *word, *end;

	if (strncmp(function, "Py", 2))
		return true;
	word = function + 2;
	end = strchr(word, '_');
	if (!end)
		return true;
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == (size_t)(end - word) &&
		    !strncmp(words[i], word, (size_t)(end - word)))
			return true;
	return false;
}
