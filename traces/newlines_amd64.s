#include "textflag.h"

// Both ways go through a text 64 bytes at a time. What they have in registers:
// DI ends, SI text, CX its length, AX where in it, BX how many newlines.
#define ARGUMENTS \
	MOVQ ends_base+0(FP), DI \
	MOVQ text_base+24(FP), SI \
	MOVQ text_len+32(FP), CX \
	XORL AX, AX \
	XORL BX, BX \
	MOVL $0x0a0a0a0a, DX \
	MOVQ DX, X4

// NOTE takes the bits of R8, one for each of 64 bytes. The first newline is noted
// even where there is none, but then not counted: most often there is one or none,
// and which it is cannot be predicted. TZCNT is BSF where the CPU does not have it,
// which does the same unless there is no bit, and then the result is not used.
#define NOTE(more, next, loop) \
	TZCNTQ R8, R9 \
	ADDL   AX, R9 \
	MOVL   R9, (DI)(BX*4) \
	CMPQ   R8, $1 \
	SBBQ   $-1, BX \
	LEAQ   -1(R8), R9 \
	ANDQ   R9, R8 \
	JNZ    more \
next: \
	ADDQ   $64, AX \
	CMPQ   AX, CX \
	JLT    loop

#define NOTE_MORE(more, next) \
more: \
	TZCNTQ R8, R9 \
	ADDL   AX, R9 \
	MOVL   R9, (DI)(BX*4) \
	INCQ   BX \
	LEAQ   -1(R8), R9 \
	ANDQ   R9, R8 \
	JNZ    more \
	JMP    next

// func newlinesSSE2(ends []int32, text []byte) (n int, zero bool)
TEXT ·newlinesSSE2(SB), NOSPLIT, $0-57
	ARGUMENTS
	PSHUFD  $0, X4, X4 // 16 newlines
	PCMPEQB X5, X5     // the least byte in each column
	TESTQ   CX, CX
	JZ      done

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
	ORQ      R10, R8
	NOTE(more, next, loop)

done:
	PXOR     X0, X0
	PCMPEQB  X0, X5
	PMOVMSKB X5, AX
	TESTL    AX, AX
	SETNE    zero+56(FP)
	MOVQ     BX, n+48(FP)
	RET
	NOTE_MORE(more, next)

// func newlinesAVX2(ends []int32, text []byte) (n int, zero bool)
TEXT ·newlinesAVX2(SB), NOSPLIT, $0-57
	ARGUMENTS
	VPBROADCASTD X4, Y4     // 32 newlines
	VPCMPEQB     Y5, Y5, Y5 // the least byte in each column
	TESTQ        CX, CX
	JZ           done

loop:
	VMOVDQU   (SI)(AX*1), Y0
	VMOVDQU   32(SI)(AX*1), Y1
	VPMINUB   Y0, Y5, Y5
	VPMINUB   Y1, Y5, Y5
	VPCMPEQB  Y4, Y0, Y0
	VPCMPEQB  Y4, Y1, Y1
	VPMOVMSKB Y0, R8
	VPMOVMSKB Y1, R9
	SHLQ      $32, R9
	ORQ       R9, R8
	NOTE(more, next, loop)

done:
	VPXOR     Y0, Y0, Y0
	VPCMPEQB  Y0, Y5, Y5
	VPMOVMSKB Y5, AX
	TESTL     AX, AX
	SETNE     zero+56(FP)
	MOVQ      BX, n+48(FP)
	VZEROUPPER
	RET
	NOTE_MORE(more, next)
