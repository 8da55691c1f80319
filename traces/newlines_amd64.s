#include "textflag.h"

// func newlines64(ends []int32, text []byte) (n int, zero bool)
//
// It needs no more than SSE2. TZCNT is BSF where the CPU does not have it, which
// does the same unless there is no bit, and then the result is not used.
TEXT ·newlines64(SB), NOSPLIT, $0-57
	MOVQ     ends_base+0(FP), DI
	MOVQ     text_base+24(FP), SI
	MOVQ     text_len+32(FP), CX
	XORL     AX, AX                  // where in the text
	XORL     BX, BX                  // how many newlines
	MOVQ     $0x0a0a0a0a0a0a0a0a, DX
	MOVQ     DX, X4
	PUNPCKLQDQ X4, X4                // 16 newlines
	PCMPEQB  X5, X5                  // the least byte in each column
	CMPQ     CX, $64
	JLT      done

loop:
	MOVOU    (SI)(AX*1), X0
	MOVOU    16(SI)(AX*1), X1
	MOVOU    32(SI)(AX*1), X2
	MOVOU    48(SI)(AX*1), X3
	PMINUB   X0, X5
	PMINUB   X1, X5
	PMINUB   X2, X5
	PMINUB   X3, X5
	PCMPEQB  X4, X0
	PCMPEQB  X4, X1
	PCMPEQB  X4, X2
	PCMPEQB  X4, X3
	PMOVMSKB X0, R8
	PMOVMSKB X1, R9
	PMOVMSKB X2, R10
	PMOVMSKB X3, R11
	SHLQ     $16, R9
	SHLQ     $32, R10
	SHLQ     $48, R11
	ORQ      R9, R8
	ORQ      R11, R10
	ORQ      R10, R8                 // a bit for each byte

	// The first newline is noted even where there is none, but then not counted:
	// most often there is one or none, and which it is cannot be predicted.
	TZCNTQ   R8, R9
	ADDL     AX, R9
	MOVL     R9, (DI)(BX*4)
	CMPQ     R8, $1
	SBBQ     $-1, BX
	LEAQ     -1(R8), R9
	ANDQ     R9, R8
	JNZ      more

next:
	ADDQ     $64, AX
	CMPQ     AX, CX
	JLT      loop

done:
	PXOR     X0, X0
	PCMPEQB  X0, X5
	PMOVMSKB X5, AX
	TESTL    AX, AX
	SETNE    zero+56(FP)
	MOVQ     BX, n+48(FP)
	RET

more:
	TZCNTQ   R8, R9
	ADDL     AX, R9
	MOVL     R9, (DI)(BX*4)
	INCQ     BX
	LEAQ     -1(R8), R9
	ANDQ     R9, R8
	JNZ      more
	JMP      next
