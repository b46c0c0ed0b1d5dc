"""Asking for memory before it is needed: what lies scattered in a large catalog then comes all at once, not in turn."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

_BYTE = ir.IntType(8)
_FLAG = ir.IntType(32)
#: For reading, to be kept close, data: what LLVM's prefetch takes behind the address.
_HOW = (0, 3, 1)


def _prefetch(_typing: Any, array: Any, index: Any) -> Any:  # noqa: ARG001  # numba reads the names
    """Bring the cache line of array.ravel()[index], of a contiguous array, while other work goes on.

    An index behind the end does no harm.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = context.make_array(signature.args[0])(context, builder, args[0]).data
        address = builder.bitcast(builder.gep(start, [args[1]]), _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _FLAG, _FLAG, _FLAG])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], kind)
        builder.call(ask, [address, *(ir.Constant(_FLAG, how) for how in _HOW)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


#: prefetch(array, index), for kernels.
prefetch: Any = intrinsic(_prefetch)
