//go:build !noasm

#include "textflag.h"

// It goes through the text 64 bytes at a time. What it has in registers: DI ends,
// SI text, CX its length, AX where in it, BX how many newlines, R8 a bit for each of
// the 64 bytes that is a newline.
//
// The first newline is noted even where there is none, but then not counted: most
// often there is one or none, and which it is cannot be predicted.

// func newlinesAVX2(ends []int32, text []byte) (n int, zero bool)
TEXT ·newlinesAVX2(SB), NOSPLIT, $0-57
	MOVQ         ends_base+0(FP), DI
	MOVQ         text_base+24(FP), SI
	MOVQ         text_len+32(FP), CX
	XORL         AX, AX
	XORL         BX, BX
	MOVL         $0x0a0a0a0a, DX
	MOVQ         DX, X4
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
	TZCNTQ    R8, R9
	ADDL      AX, R9
	MOVL      R9, (DI)(BX*4)
	CMPQ      R8, $1
	SBBQ      $-1, BX // one more, unless R8 is 0
	LEAQ      -1(R8), R9
	ANDQ      R9, R8  // without the lowest bit
	JNZ       more

next:
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  loop

done:
	VPXOR     Y0, Y0, Y0
	VPCMPEQB  Y0, Y5, Y5
	VPMOVMSKB Y5, AX
	TESTL     AX, AX
	SETNE     zero+56(FP)
	MOVQ      BX, n+48(FP)
	VZEROUPPER
	RET

more:
	TZCNTQ R8, R9
	ADDL   AX, R9
	MOVL   R9, (DI)(BX*4)
	INCQ   BX
	LEAQ   -1(R8), R9
	ANDQ   R9, R8
	JNZ    more
	JMP    next
