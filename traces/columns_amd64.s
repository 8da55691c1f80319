#include "go_asm.h"
#include "textflag.h"

#define WORD(name, value) \
	DATA name<>+0(SB)/8, $value \
	GLOBL name<>(SB), RODATA, $8

WORD(·schedWord, 0x5f6465686373203a) // ": sched_"
WORD(·bracketWord, 0x0000005d0000005b) // "[   ]"
WORD(·bracketMask, 0x000000ff000000ff)
WORD(·blanks, 0x2020202020202020)
WORD(·zeros, 0x3030303030303030)
WORD(·lows, 0x7f7f7f7f7f7f7f7f)
WORD(·tens, 0x7676767676767676)
WORD(·tops, 0x8080808080808080)
WORD(·pairs, 0x000000ff000000ff)
WORD(·hundreds, 0x000f424000000064) // 100 + 1000000<<32
WORD(·ones, 0x0000271000000001) // 1 + 10000<<32

// By a place: the columns from it on.
DATA ·fromThere<>+0(SB)/8, $0xffffffffffffffff
DATA ·fromThere<>+8(SB)/8, $0xffffffffffffff00
DATA ·fromThere<>+16(SB)/8, $0xffffffffffff0000
DATA ·fromThere<>+24(SB)/8, $0xffffffffff000000
DATA ·fromThere<>+32(SB)/8, $0xffffffff00000000
DATA ·fromThere<>+40(SB)/8, $0xffffff0000000000
DATA ·fromThere<>+48(SB)/8, $0xffff000000000000
DATA ·fromThere<>+56(SB)/8, $0xff00000000000000
DATA ·fromThere<>+64(SB)/8, $0
GLOBL ·fromThere<>(SB), RODATA, $72

// By a place: what moves the columns before it to the end.
DATA ·toEnd<>+0(SB)/8, $0
DATA ·toEnd<>+8(SB)/8, $0x0100000000000000
DATA ·toEnd<>+16(SB)/8, $0x0001000000000000
DATA ·toEnd<>+24(SB)/8, $0x0000010000000000
DATA ·toEnd<>+32(SB)/8, $0x0000000100000000
DATA ·toEnd<>+40(SB)/8, $0x0000000001000000
DATA ·toEnd<>+48(SB)/8, $0x0000000000010000
DATA ·toEnd<>+56(SB)/8, $0x0000000000000100
GLOBL ·toEnd<>(SB), RODATA, $64

// OTHERS is others: x has '0' taken off each column.
#define OTHERS(x, o) \
	MOVQ ·lows<>(SB), o \
	ANDQ x, o \
	ADDQ ·tens<>(SB), o \
	ORQ  x, o \
	ANDQ ·tops<>(SB), o

// VALUE is value, of x; y is lost.
#define VALUE(x, y) \
	LEAQ  (x)(x*4), y \
	SHRQ  $8, x \
	LEAQ  (x)(y*2), x \
	MOVQ  x, y \
	SHRQ  $16, y \
	ANDQ  ·pairs<>(SB), x \
	ANDQ  ·pairs<>(SB), y \
	IMULQ ·hundreds<>(SB), x \
	IMULQ ·ones<>(SB), y \
	ADDQ  y, x \
	SHRQ  $32, x

// func usual(c *columns)
//
// It is columns.one, statement by statement, for one line after the other. It uses
// no more than each 64-bit x86 has.
//
//	DI c               R8  where the line's end is, last behind the last of these
//	SI the line        R10 from where ends are counted
//	R11 its glance     R12 its found
//	BX f               CX bad, later what found will be
//	DX prev            R13 next
//	AX, R9, R15        what is looked at
TEXT ·usual(SB), NOSPLIT, $8-8
	MOVQ c+0(FP), DI
	MOVQ columns_ends(DI), R8
	MOVQ columns_ends+8(DI), R9
	LEAQ (R8)(R9*4), R9
	MOVQ R9, last-8(SP)
	MOVQ columns_text(DI), SI
	MOVQ columns_at(DI), R10
	ADDQ SI, R10
	ADDQ columns_from(DI), SI
	MOVQ columns_found(DI), R12
	MOVQ columns_lines(DI), R11
	JMP  line

whole:
	MOVL $const_readWhole, DX
	MOVL $-1, R13

next:
	MOVL    DX, glance_a(R11)
	MOVL    R13, glance_b(R11)
	MOVL    $0, glance_seen(R11)
	MOVLQSX (R8), AX
	LEAQ    1(R10)(AX*1), SI
	ADDL    columns_at(DI), AX
	MOVL    AX, glance_end(R11)
	ADDQ    $glance__size, R11
	ADDQ    $found__size, R12
	ADDQ    $4, R8

line:
	CMPQ    R8, last-8(SP)
	JEQ     done
	MOVLQSX (R8), AX
	ADDQ    R10, AX
	MOVQ    AX, DX
	SUBQ    SI, DX
	SUBQ    columns_least(DI), DX
	CMPQ    DX, columns_lengths(DI)
	JCC     whole

	// event and f
	MOVQ   columns_stamp(DI), R15
	MOVQ   9(SI)(R15*1), DX
	MOVQ   1(SI)(R15*1), CX
	XORQ   ·schedWord<>(SB), CX
	MOVQ   DX, BX
	SHRQ   $24, BX
	ANDL   $7, BX
	IMUL3Q $form__size, BX, BX
	ADDQ   columns_forms(DI), BX
	CMPQ   DX, form_name(BX)
	JNE    whole

	// what does not depend on next, and which are digits
	MOVQ    -11(AX), R13
	XORQ    form_last(BX), R13
	ORQ     R13, CX
	MOVBLZX (SI)(R15*1), R15
	XORQ    $'0', R15
	SHLQ    $48, R15
	MOVQ    -19(AX), R13
	MOVQ    R13, DX
	XORQ    form_more(BX), R13
	ANDQ    form_moreMask(BX), R13
	ORQ     R13, CX
	XORQ    ·zeros<>(SB), DX
	ANDQ    form_digits(BX), DX
	SHLQ    $16, DX
	ORQ     DX, R15
	MOVQ    -8(AX), DX
	XORQ    ·zeros<>(SB), DX
	SHRQ    $40, DX
	ORQ     DX, R15
	OTHERS(R15, DX)
	ORQ     DX, CX

	// next and its digits, as far as they are the right ones; R15 is then where it begins
	MOVQ form_pid(BX), R15
	LEAQ -24(AX)(R15*1), R15 // firstPID - rightWidth
	MOVQ (R15), AX
	XORQ form_behind(BX), AX
	SHLQ $24, AX
	ORQ  AX, CX
	MOVQ -8(R15), R13
	XORQ ·zeros<>(SB), R13
	OTHERS(R13, AX)
	JEQ  whole
	BSRQ AX, AX
	SHRQ $3, AX
	LEAQ ·fromThere<>(SB), DX
	ANDQ 8(DX)(AX*8), R13 // the columns behind the last that is no digit
	SUBQ $7, AX
	JEQ  whole
	ADDQ AX, R15
	NEGQ AX
	MOVQ -8(R15), DX
	XORQ form_key(BX), DX
	ANDQ form_keyMask(BX), DX
	ORQ  DX, CX
	MOVQ -10(R15), DX
	XORQ form_key10(BX), DX
	ANDQ form_key10Mask(BX), DX
	ORQ  DX, CX
	JNE  whole
	MOVL AX, CX
	SHLL $8, CX
	VALUE(R13, DX)

	// prev and its digits
	MOVQ    columns_column(DI), AX
	ADDQ    SI, AX
	MOVQ    8(AX), R15
	XORQ    ·bracketWord<>(SB), R15
	TESTQ   ·bracketMask<>(SB), R15
	JNE     whole
	MOVBLZX -1(AX), R15
	SUBL    $'0', R15
	CMPL    R15, $9
	JLS     whole
	MOVQ    (AX), R15
	MOVQ    R15, DX
	XORQ    ·zeros<>(SB), DX
	OTHERS(DX, AX)
	JEQ     none
	BSFQ    AX, AX
	SHRQ    $3, AX
	JEQ     none
	XORQ    ·blanks<>(SB), R15
	LEAQ    ·fromThere<>(SB), R9
	TESTQ   (R9)(AX*8), R15
	JNE     none
	LEAQ    ·toEnd<>(SB), R9
	IMULQ   (R9)(AX*8), DX
	SHLL    $16, AX
	ORL     AX, CX
	VALUE(DX, R9)

known:
	MOVL    form_seen(BX), R15
	ORL     R15, columns_seen(DI)
	MOVBLZX form_place(BX), R15
	ORL     R15, CX
	MOVL    CX, (R12)
	MOVL    form_current(BX), AX
	ANDL    AX, DX
	NOTL    AX
	ANDL    R13, AX
	ORL     AX, DX
	JMP     next

none:
	CMPL form_current(BX), $0
	JNE  whole
	XORL DX, DX
	JMP  known

done:
	SUBQ columns_text(DI), SI
	MOVQ SI, columns_from(DI)
	MOVQ columns_ends+8(DI), AX
	MOVQ AX, columns_i(DI)
	RET
