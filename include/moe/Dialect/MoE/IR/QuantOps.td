//===- QuantOps.td - quantised weights ---------------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_QUANTOPS
#define MOE_DIALECT_MOE_IR_QUANTOPS

include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_QuantizedTensor : RankedTensorOf<[I8, I<4>, F4E2M1FN]>;
def MoE_ScaleTensor : RankedTensorOf<[F64, F32, F16, BF16, F8E8M0FNU]>;
def MoE_ZeroTensor : RankedTensorOf<[F64, F32, F16, BF16, I8, I<4>]>;

def MoE_DequantizeOp : MoE_Op<"dequantize", [AttrSizedOperandSegments]> {
  let summary = "numbers of a quantised weight";
  let description = [{
    For the element at position `..., j, ...` along `axis`, of A elements in G
    groups, with the scale and zero of its group `j / (A/G)`:

    ```
    result[..., j, ...] = (value - zero) * scale
    value               = q[..., j, ...] | codebook[low four bits of q[..., j, ...]]
    ```

    | format | q | scales | |
    |---|---|---|---|
    | int8, int4, symmetric | i8, i4 (signed) | float | |
    | int8, int4 with zero points | i8, i4 | float | `zeros` |
    | uint4 | i4 or i8 codes | float | `codebook` 0..15, `zeros` |
    | NF4 and other tables | i4 or i8 codes | float | `codebook` |
    | MXFP4 | f4E2M1FN | f8E8M0FNU, one for 32 | |

    No op takes quantised operands: packing absorbs this one. Elements narrower
    than a byte are packed two to a byte, low half first, where they enter a
    program, not in its types. A constant is folded if it has at most 65536
    elements.

    Sources: OCP Microscaling 1.0 (MXFP4), QLoRA (arXiv 2305.14314: NF4).

    **Operands.** `q`, of any rank; `scales`, of the shape of q but for G at `axis`;
    `zeros`, of the shape of `scales`; `codebook` [16]. **Result**: of the shape of
    q. **Data types.** As in the table; floats and the result are f64, f32, f16 or
    bf16, zeros floats, i8 or i4. Computed in f32 (f64 if one is f64), rounded
    once. A scale f8E8M0FNU of 255 is **NaN**. **Determinism**: exact.

    **Constraints.**
    - (C1) `q` has a static shape, no size 0, and a rank of at least 1.
    - (C2) 0 <= axis < rank of `q`.
    - (C3) `scales` has the shape of `q` but for `axis`, where its size divides that of `q`.
    - (C4) `zeros` has the shape of `scales`.
    - (C5) `codebook` is [16], and `q` is i8 or i4 then.
    - (C6) the result has the shape of `q`.

    **Example** (MXFP4, groups of 32 along the input dimension):

    ```mlir
    %w = moe.dequantize %q scales(%s : tensor<8x2x96xf8E8M0FNU>) axis 1
        : tensor<8x64x96xf4E2M1FN> -> tensor<8x64x96xbf16>
    ```
  }];
  let arguments = (ins MoE_QuantizedTensor:$q, MoE_ScaleTensor:$scales,
                       Optional<MoE_ZeroTensor>:$zeros, Optional<MoE_FloatTensor<1>>:$codebook,
                       I64Attr:$axis);
  let results = (outs MoE_AnyFloatTensor:$result);
  let assemblyFormat = [{
    $q `scales` `(` $scales `:` type($scales) `)` (`zeros` `(` $zeros^ `:` type($zeros) `)`)?
    (`codebook` `(` $codebook^ `:` type($codebook) `)`)? `axis` $axis attr-dict
    `:` type($q) `->` type($result)
  }];
  let hasFolder = 1;
}

#endif // MOE_DIALECT_MOE_IR_QUANTOPS
