package ktrace

import (
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

const hdr = "# tracer: nop\n"

var traceLayouts = []struct {
	name, in, want string
	unusable       int
	clock          traces.Clock
	stamp          int64 // of the last line
	coarse         int64
}{
	{
		name: "five flags",
		in:   "        guest.sh-294     [000] .....    36.862753: sched_kthread_stop: comm=kt_unborn pid=347\n",
		want: "1 stop-call kt_unborn[347] by guest.sh[294]\n", clock: traces.Nanoseconds, stamp: 36862753000, coarse: 1000,
	},
	{
		name: "four flags, to about 5.14",
		in: "        guest.sh-294   [000] d.s.    36.862753: sched_waking: comm=kt pid=347 prio=120 target_cpu=001\n" +
			"        guest.sh-294   [000] d.h.    36.862753: sched_waking: comm=kt pid=347 prio=120 target_cpu=001\n",
		want: "1 woken kt[347] by guest.sh[294] in ?\n2 woken kt[347] by guest.sh[294] in an interrupt\n", clock: traces.Nanoseconds, stamp: 36862753000, coarse: 1000,
	},
	{
		name: "no flags, option noirq-info or 2.6",
		in:   "           <...>-294   [000]    36.862753: sched_kthread_stop: comm=kt pid=347\n",
		want: "1 stop-call kt[347] by pid 294 in ?\n",
	},
	{
		name: "a group's id, known and not",
		in: "        guest.sh-294     (    294) [000] .....    47.890808: sched_kthread_stop: comm=kt_ok42 pid=381\n" +
			"          <idle>-0       (-------) [001] ..s1.    47.890546: sched_process_free: comm=kt_ok42 pid=381 prio=120\n" +
			"        guest.sh-294   (-----) [000] ....    47.890808: sched_kthread_stop: comm=kt_ok42 pid=381\n",
		want: "1 stop-call kt_ok42[381] by guest.sh[294]\n2 freed kt_ok42[381] in an interrupt\n3 stop-call kt_ok42[381] by guest.sh[294]\n",
	},
	{
		name: "another flag tells interrupts, as the header says",
		in: hdr + "#                                _-----=> irqs-off\n#                               / _----=> need-resched\n#                              | / _----=> need-resched_lazy\n" +
			"#                              || / _---=> hardirq/softirq\n#                              ||| / _--=> preempt-depth\n" +
			"              sh-294     [000] d..h1..    36.862753: sched_waking: comm=kt pid=347 prio=120 target_cpu=001\n" +
			"              sh-294     [000] d.h.1..    36.862753: sched_waking: comm=kt pid=347 prio=120 target_cpu=001\n",
		want: "7 woken kt[347] by sh[294] in an interrupt\n8 woken kt[347] by sh[294]\n",
	},
	{
		name: "nine digits, of trace-cmd report -t",
		in:   "cpus=2\n            bash-447   [000]    85.335006123: sched_kthread_stop:   comm=kt_ok pid=448\n",
		want: "2 stop-call kt_ok[448] by bash[447] in ?\n", clock: traces.Nanoseconds, stamp: 85335006123, coarse: 1,
	},
	{
		name: "a clock that counts something else",
		in:   "        guest.sh-294     [000] ..... 123456789012: sched_kthread_stop: comm=kt pid=347\n",
		want: "1 stop-call kt[347] by guest.sh[294]\n", clock: traces.Ticks, stamp: 123456789012, coarse: 1,
	},
	{
		name: "latency format, with marks; a name of 8 bytes may be cut",
		in: hdr + "#                    _------=> CPU#\n#                   / _-----=> irqs-off/BH-disabled\n#                  | / _----=> need-resched\n#                  || / _---=> hardirq/softirq\n" +
			"#  cmd     pid     |||||| time  |   caller\n#     \\   /        ||||||  \\    |    /\n" +
			"  <idle>-0         0dNh2.    0us : sched_waking: comm=kt pid=347 prio=120 target_cpu=000\n" +
			"guest.sh-294       1.....  123us!: sched_kthread_stop: comm=kt pid=347\n" +
			"    bash-2945      1..... 1234us#: sched_kthread_stop_ret: ret=-4\n",
		want: "8 woken kt[347] in an interrupt\n9 stop-call kt[347] by pid 294\n10 stop-return by bash[2945] = -4\n", clock: traces.Nanoseconds, stamp: 1234000, coarse: 1000,
	},
	{
		name: "latency format and verbose",
		in: hdr + "           <...>      294   1 0 00000000 00000001 [00000000000003e8] 12.345ms (+0.001ms): sched_kthread_stop: comm=kt pid=347\n" +
			"            bash      294   1 9 00000000 00000001 [00000000000003e8] 13.345ms (+0.001ms): sched_waking: comm=kt pid=347 prio=120 target_cpu=001\n",
		want: "2 stop-call kt[347] by pid 294\n3 woken kt[347] by bash[294] in an interrupt\n", clock: traces.Nanoseconds, stamp: 13345000, coarse: 1000,
	},
	{
		name: "names hold dashes, blanks, brackets, colons, and the words of the format",
		in: "   kt-dash-12-323     [000] .....     1.000000: sched_process_exit: comm=kt-dash-12 pid=323 prio=120\n" +
			"   rs:main Q:Reg-287     [000] .....     1.000000: sched_process_exit: comm=rs:main Q:Reg pid=287 prio=120\n" +
			"       kt [b](c)-396     [000] .....     1.000000: sched_process_exit: comm=kt [b](c) pid=396 prio=120 group_dead=true\n" +
			" a-1 [000] 1: x:-123     [001] .....     1.000000: sched_process_exit: comm=a-1 [000] 1: x: pid=123 prio=120\n" +
			"         a pid=1-123     [001] .....     1.000000: sched_process_exit: comm=a pid=1 pid=123 prio=120\n" +
			"               x-4       [001] .....     1.000000: sched_switch: prev_comm= ==> next_comm= prev_pid=4 prev_prio=120 prev_state=R+ ==> next_comm= ==> next_comm= next_pid=5 next_prio=120\n" +
			"               x-4       [001] .....     1.000000: sched_switch: prev_comm= prev_pid=9 prev_pid=4 prev_prio=-1 prev_state=D|K ==> next_comm= next_pid=8 next_pid=5 next_prio=120\n" +
			"                -6       [001] .....     1.000000: sched_process_exit: comm= pid=6 prio=120\n",
		want: "1 process-exit kt-dash-12[323]\n2 process-exit rs:main Q:Reg[287]\n3 process-exit kt [b](c)[396]\n4 process-exit a-1 [000] 1: x:[123]\n5 process-exit a pid=1[123]\n" +
			"6 switch-out  ==> next_comm=[4] R\n6 switch-in  ==> next_comm=[5]\n7 switch-out  prev_pid=9[4] D\n7 switch-in  next_pid=8[5]\n8 process-exit pid 6\n",
	},
	{
		name: "pasted text has lost its leading blanks",
		in:   "kt-dash-12-323     [000] .....     1.000000: sched_process_exit: comm=kt-dash-12 pid=323 prio=120\nx-3 [000] 1.000000: sched_process_exit: comm=x pid=3 prio=120\r\n",
		want: "1 process-exit kt-dash-12[323]\n2 process-exit x[3] in ?\n",
	},
	{
		name: "grep -n has put something before it",
		in:   "12:        guest.sh-294     [000] .....    36.862753: sched_kthread_stop: comm=kt pid=347\n",
		want: "1 stop-call kt[347] by pid 294\n",
	},
	{
		name: "a newline in a name makes two lines, of which one is a piece",
		in: "               x-4       [001] .....     1.000000: sched_waking: comm=a\n" +
			"b pid=323 prio=120 target_cpu=001\n" +
			"               x-4       [001] .....     1.000000: sched_kthread_stop: comm=t pid=323\n",
		want: "1 loss 1 cpu 1 since 0\n2 loss 1 cpu -1 since 1\n3 stop-call t[323] by x[4]\n", unusable: 2,
	},
	{
		name: "what somebody writes into the buffer is no event",
		in: "            bash-294     [000] .....     1.000000: tracing_mark_write: sched_kthread_stop: comm=fake pid=5\n" +
			"            bash-294     [000] .....     1.000000: bputs: sched_kthread_stop: comm=fake pid=5\n" +
			"            bash-294     [000] .....     1.000000: my_init: sched_kthread_stop: comm=fake pid=5\n" +
			"            bash-294     [000] .....     1.000000: kthread_stop: going to stop it\n",
		want: "",
	},
	{
		name: "forks, also by others: they give a pid away",
		in: "        kthreadd-2       [001] .....    36.825562: sched_process_fork: comm=kthreadd pid=2 child_comm=kt child_pid=347\n" +
			"        kthreadd-2       [001] .....    36.825562: sched_process_fork: comm=kthreadd pid=2 child_comm=kthreadd child_pid=348\n" +
			"        kthreadd-2       [001] .....    36.825562: sched_process_fork: comm=kthreadd pid=2 child_comm= child_comm=a child_pid=349\n" +
			"            bash-294     [001] .....    36.825562: sched_process_fork: comm=bash pid=294 child_comm=bash child_pid=350\n",
		want: "1 fork kt[347] by kthreadd[2]\n2 fork pid 348 by kthreadd[2]\n3 fork  child_comm=a[349] by kthreadd[2]\n4 fork bash[350] by bash[294]\n",
	},
	{
		name: "success=0 wakes nothing",
		in: "               x-4       [001] d.h.     1.000000: sched_wakeup: comm=a pid=5 prio=120 success=0 target_cpu=001\n" +
			"               x-4       [001] d.h.     1.000000: sched_wakeup: comm=a success=0 pid=5 prio=120 success=1 target_cpu=001\n",
		want: "2 woken (late) a success=0[5] by x[4] in an interrupt\n",
	},
	{
		name: "kernels to 2.6.32",
		in: "               x-4     [001]     1.000000: sched_switch: task x:4 [120] (D) ==> a b:5 [-1]\n" +
			"               x-4     [001]     1.000000: sched_wakeup: task a:b:5 [120] success=1 [001]\n" +
			"               x-4     [001]     1.000000: sched_wakeup: task a:5 [120] success=0\n" +
			"               x-4     [001]     1.000000: sched_kthread_stop: task a:5\n" +
			"               x-4     [001]     1.000000: sched_kthread_stop_ret: ret -4\n" +
			"               x-2     [001]     1.000000: sched_process_fork: parent kthreadd:2  child kthreadd:6\n" +
			"               a-5     [001]     1.000000: sched_process_exit: task a:5 [120]\n",
		want: "1 switch-out x[4] D\n1 switch-in a b[5]\n2 woken (late) a:b[5] by x[4] in ?\n4 stop-call a[5] by x[4] in ?\n5 stop-return by x[4] = -4 in ?\n6 fork pid 6 by kthreadd[2] in ?\n7 process-exit a[5] in ?\n",
	},
	{
		name: "the words of trace-cmd's plugins",
		in: "cpus=2\n" +
			"           kt_ok-448   [001]    85.239699: sched_switch:         kt:colon=x:448 [120] D ==> kt ==> x:447 [120]\n" +
			"           kt_ok-448   [001]    85.239699: sched_switch:         kt_ok:448 [120] x ==> swapper/1:0 [120]\n" +
			"     rcu_preempt-18    [001]    85.239699: sched_switch:         rcu_preempt:18 [120] W ==> swapper/1:0 [120]\n" +
			"           kt_ok-448   [001]    85.239699: sched_switch:         kt_ok:448 [120] x ==> swapper/1:0 [120]\n" +
			"            bash-447   [001]    85.239699: sched_wakeup:         kt_ok:448 [120] CPU:001\n" +
			"            bash-447   [001]    85.239699: sched_wakeup:         kt_ok:448 [120] success=0 CPU:001\n" +
			"            bash-447   [001]    85.239699: sched_wakeup:         kt_ok:448 [120]<CANT FIND FIELD success> CPU:001\n",
		want: "2 switch-out kt:colon=x[448] D\n2 switch-in kt ==> x[447]\n3 switch-out kt_ok[448] ?\n4 switch-out rcu_preempt[18] I\n5 switch-out kt_ok[448] P\n" +
			"6 woken (late) kt_ok[448] by bash[447] in ?\n8 woken (late) kt_ok[448] by bash[447] in ?\n",
	},
	{
		name: "trace-cmd report -l, --ts-diff, and its statistics",
		in: "version = 6\nCPU 1 is empty\ncpus=2\n" +
			"            bash-447   [001]    85.239699: (+12) sched_kthread_stop:   comm=kt pid=448\n" +
			"    bash-447     1d..2.    85.239699: sched_kthread_stop:   comm=kt pid=448\n" +
			"CPU:1 [12 EVENTS DROPPED]\nCPU:0 [EVENTS DROPPED]\n" +
			"CPU: 0\nentries: 12\noverrun: 7\ncommit overrun: 0\nbytes: 12\noldest event ts: 1.000000\nnow ts: 2.000000\ndropped events: 0\nread events: 5\n",
		want: "4 stop-call kt[448] by bash[447] in ?\n5 stop-call kt[448] by bash[447]\n6 loss 12 cpu 1 since 5\n7 loss 0 cpu 0 since 0\n10 loss 7 cpu 0 since 0\n", unusable: 1,
	},
	{
		name: "probes, by the function in the parentheses",
		in: "            bash-447   [001] .....    1.000000: a: (kthread_stop+0x4/0x170) task=0xff190faec29aa100\n" +
			"            bash-447   [001] .....    1.000000: b: (stop_say+0x5e/0xa0 [ktlab] <- kthread_stop) arg1=0xfffffffc\n" +
			"            bash-447   [001] .....    1.000000: b: (stop_say+0x5e/0xa0 [ktlab] <- kthread_stop) arg1=4294967292\n" +
			"            bash-447   [001] .....    1.000000: b: (stop_say+0x5e/0xa0 [ktlab] <- kthread_stop) arg1=-4\n" +
			"            bash-447   [001] .....    1.000000: b: (stop_say+0x5e/0xa0 [ktlab] <- kthread_stop)\n" +
			"            bash-447   [001] .....    1.000000: b: (kthread_stop+0x50/0x170) task=0xff190faec29aa100\n" +
			"            bash-447   [001] .....    1.000000: b: (kthread_stop+0x0/0x170 [mine]) task=0xff190faec29aa100\n" +
			"            bash-447   [001] .....    1.000000: b: (kthread_park+0x4/0x170) k=0xff190faec29aa100 pid=12 comm=\"a pid=3 b\"\n" +
			"            bash-447   [001] .....    1.000000: b: (x+0x5e/0xa0 <- kthread_park) arg1=0x0\n" +
			"            bash-447   [001] .....    1.000000: b: (kthread_unpark+0x4/0x170) k=-64492093923225344\n" +
			"              kt-448   [001] .....    1.000000: b: (__kthread_parkme+0x4/0x170) self=0xff190faec29aa100\n" +
			"              kt-448   [001] .....    1.000000: b: (fn+0x5e/0xa0 [m] <- kthread_should_stop) arg1=0xffffff01\n" +
			"              kt-448   [001] .....    1.000000: b: (fn+0x5e/0xa0 [m] <- kthread_should_stop) arg1=0xffffff00\n" +
			"              kt-448   [001] ..s..    1.000000: b: (fn+0x5e/0xa0 [m] <- kthread_should_stop) arg1=0x1\n" +
			"              kt-448   [001] .....    1.000000: b: (do_exit+0x4/0x170) code=7\n" +
			"              kt-448   [001] .....    1.000000: b: (kthread_complete_and_exit+0x4/0x170) comp=0xff190faec29aa100 arg2=0xfffffffb\n" +
			"            bash-447   [001] .....    1.000000: b: (fn+0x5e/0xa0 <- __kthread_create_on_node) ret=0xfffffffffffffff4\n" +
			"            bash-447   [001] .....    1.000000: b: (fn+0x5e/0xa0 <- kthread_create_on_node) ret=0x0\n" +
			"              kt-448   [001] .....    1.000000: threadfn: (my_fn+0x0/0xa0 [m])\n",
		want: "1 stop-call task 0xff190faec29aa100 by bash[447] probe kthread_stop\n2 stop-return by bash[447] = -4 probe kthread_stop\n3 stop-return by bash[447] = -4 probe kthread_stop\n" +
			"4 stop-return by bash[447] = -4 probe kthread_stop\n5 stop-return by bash[447] probe kthread_stop\n8 park-call a pid=3 b[12]@0xff190faec29aa100 by bash[447] probe kthread_park\n" +
			"9 park-return by bash[447] = 0 probe kthread_park\n10 unpark task 0xff1ae0c842e29100 by bash[447] probe kthread_unpark\n11 parkme kt[448] probe __kthread_parkme\n" +
			"12 should-stop kt[448] = 1 probe kthread_should_stop\n13 should-stop kt[448] = 0 probe kthread_should_stop\n15 exit-call kt[448] = 7 probe do_exit\n" +
			"16 exit-call kt[448] = -5 probe kthread_complete_and_exit\n17 create-failed by bash[447] = -12 probe __kthread_create_on_node\n19 threadfn kt[448] probe \n",
	},
	{
		name: "probes with bare addresses, by the event's name",
		in: "            bash-447   [001] .....    1.000000: p_kthread_exit_0: (ffffffffa06d3e80) code=42\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop__return: (ffffffffa06d3e80 <- ffffffffa06d3f00) arg1=0xfffffffc\n" +
			"            bash-447   [001] .....    1.000000: mine: (ffffffffa06d3e80) code=42\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop: (0x4006b0) code=42\n",
		want: "1 exit-call bash[447] = 42 probe kthread_exit\n2 stop-return by bash[447] = -4 probe kthread_stop\n",
	},
	{
		name: "the function tracer",
		in: "# tracer: function\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop <-stop_say\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop+0x4/0x10 <-stop_say+0x1/0x2\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop(k=0xff190faec29aa100) <-stop_say\n" +
			"              kt-448   [001] .....    1.000000: kthread_should_stop <-fn\n" +
			"              kt-448   [001] .....    1.000000: __kthread_parkme <-kthread\n" +
			"              kt-448   [001] .....    1.000000: <stack trace>\n => kthread_stop\n => fn\n" +
			"            bash-447   [001] .....    1.000000: kthread_stop <ffffffffa06d3e80> <-stop_say <ffffffffa06d3f00>\n",
		want: "2 stop-call by bash[447] probe kthread_stop\n3 stop-call by bash[447] probe kthread_stop\n4 stop-call task 0xff190faec29aa100 by bash[447] probe kthread_stop\n6 parkme kt[448] probe __kthread_parkme\n10 stop-call by bash[447] probe kthread_stop\n",
	},
	{
		name: "function_graph: its comments, switches and known functions",
		in: "# tracer: function_graph\n#\n# CPU  TASK/PID         DURATION                  FUNCTION CALLS\n# |     |    |           |   |                     |   |   |   |\n" +
			" 0)  guest.s-294   |               |  kthread_stop() {\n" +
			" 0)  guest.s-294   |               |    /* sched_kthread_stop: comm=kt | x pid=338 */\n" +
			" ------------------------------------------\n" +
			" 0)  guest.s-294   =>   kt_ok-338  \n" +
			" ------------------------------------------\n\n" +
			" 0)   0.500 us    |  kthread_should_stop(); /* = 0x1 */\n" +
			" 0) + 12.500 us   |  } /* kthread_stop = 0xfffffffc */\n" +
			" 0)   0.500 us    |  }\n" +
			"   36.824876 |   1)  guest.s-294   |   1.234 us    |  } /* kthread_stop ret=0x7 */\n",
		want: "5 stop-call by pid 294 probe kthread_stop in ?\n6 stop-call kt | x[338] by pid 294 in ?\n11 should-stop pid 338 = 1 probe kthread_should_stop in ?\n" +
			"12 stop-return by pid 338 = -4 probe kthread_stop in ?\n14 stop-return by pid 294 = 7 probe kthread_stop in ?\n",
		clock: traces.Nanoseconds, stamp: 36824876000, coarse: 1000,
	},
	{
		name: "a ring that has been written over is a sample until every CPU has begun",
		in: hdr + "#\n# entries-in-buffer/entries-written: 29/264   #P:2\n#\n" +
			"               x-4       [000] .....     1.000000: sched_process_exit: comm=x pid=4 prio=120\n" +
			"               x-4       [000] .....     1.000000: sched_process_free: comm=x pid=4 prio=120\n" +
			"##### CPU 1 buffer started ####\n" +
			"               x-4       [001] .....     1.000000: sched_process_free: comm=x pid=4 prio=120\n",
		want: "3 loss 235 cpu -1 since 0\n5 loss 0 cpu -1 since 4\n5 process-exit x[4]\n6 loss 0 cpu -1 since 5\n6 freed x[4]\n7 loss 0 cpu 1 since 0\n8 freed x[4]\n",
	},
	{
		name: "a ring that has not been written over is whole",
		in: hdr + "# entries-in-buffer/entries-written: 264/264   #P:2\n" +
			"               x-4       [000] .....     1.000000: sched_process_exit: comm=x pid=4 prio=120\n",
		want: "3 process-exit x[4]\n",
	},
	{
		name: "lost events lie behind the last of their CPU",
		in: "               x-4       [000] .....     1.000000: foo: bar\n" +
			"               x-4       [001] .....     1.000000: foo: bar\n" +
			"CPU:0 [LOST 80 EVENTS]\nCPU:1 [LOST EVENTS]\n[LOST 3 EVENTS]\n",
		want: "3 loss 80 cpu 0 since 1\n4 loss 0 cpu 1 since 2\n5 loss 3 cpu -1 since 1\n",
	},
	{
		name: "output of the option nocontext-info is refused once",
		in:   hdr + "sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b next_pid=2 next_prio=120\nsched_kthread_stop: comm=kt pid=3\n",
		want: "", unusable: 1,
	},
	{
		name: "the option fields prints fields, and not what is read",
		in:   "            bash-12667   [001] d..2. 13787.118449: sched_waking: comm=bash pid=0x317b (12667) prio=0x78 (120) target_cpu=0x0 (0)\n",
		want: "1 loss 1 cpu 1 since 0\n", unusable: 1,
	},
	{
		name: "the header of the latency format names the kernel, and what has been written over",
		in:   hdr + "#\n# nop latency trace v1.1.5 on 6.1.0-18-amd64\n# --------\n# latency: 0 us, #12/1300, CPU#0 | (M:PREEMPT(none) VP:0, KP:0, SP:0 HP:0 #P:2)\n",
		want: "3 boot in ?\n5 loss 1288 cpu -1 since 0\n",
	},
	{
		name: "so is that of raw",
		in:   hdr + "294 1 36824876000 type: 318\n294 1 36824876000 type: 318\n",
		want: "", unusable: 1,
	},
	{
		name: "task_rename",
		in:   "               x-4       [000] .....     1.000000: task_rename: pid=4 oldcomm=kthreadd newcomm=a newcomm=b oom_score_adj=0\n",
		want: "1 renamed a newcomm=b[4] by x[4]\n",
	},
	{
		name: "perf script in its usual layouts",
		in: "# ========\n# captured on    : Sat Nov 21 18:06:58 2026\n#\n" +
			"            bash   486 [000]   184.303111:           sched:sched_kthread_stop: comm=kt pid=488\n" +
			"\tffffffffa06d3e80 kthread_stop+0x0 ([kernel.kallsyms])\n\tffffffffa06d3e80 fn+0x0 ([kernel.kallsyms])\n\n" +
			"            bash   486/487 [000]   184.303111123:          1 sched:sched_kthread_stop: comm=kt pid=488\n" +
			"            bash   486   184.303111:           sched:sched_kthread_stop: comm=kt pid=488\n" +
			"bash 486 [000] 184.303111: sched:sched_kthread_stop: comm=kt pid=488\n" +
			"   rs:main Q:Reg   287 [001]   184.303130:     sched:sched_kthread_stop: comm=kt pid=488\n" +
			"      kt 1 [000] 1   287 [001]   184.303130:     sched:sched_kthread_stop: comm=kt pid=488\n" +
			"             :-1    -1 [001]   184.303175:           sched:sched_switch: prev_comm=kt_ok prev_pid=488 prev_prio=120 prev_state=X ==> next_comm=swapper/1 next_pid=0 next_prio=120\n" +
			"            :489   489 [001]   184.303175:           sched:sched_kthread_stop_ret: ret=4294967292\n" +
			"            bash   486 [000]   184.303211:           probe:kthread_stop__return: (ffffffffa06d3e80 <- ffffffffa06d3f00) arg1=0xfffffffc\n" +
			"  486 [000]   184.303311: sched:sched_kthread_stop: comm=kt pid=488\n" +
			"         swapper     0 [000]   184.303311: PERF_RECORD_LOST lost 12\n" +
			"LOST 7 events!\n",
		want: "4 stop-call kt[488] by bash[486] in ?\n8 stop-call kt[488] by bash[487] in ?\n9 stop-call kt[488] by bash[486] in ?\n10 stop-call kt[488] by bash[486] in ?\n" +
			"11 stop-call kt[488] by rs:main Q:Reg[287] in ?\n12 stop-call kt[488] by kt 1 [000] 1[287] in ?\n13 switch-out kt_ok[488] X\n14 stop-return by pid 489 = -4 in ?\n" +
			"15 stop-return by bash[486] = -4 probe kthread_stop in ?\n16 stop-call kt[488] by pid 486 in ?\n17 loss 12 cpu -1 since 14\n18 loss 7 cpu -1 since 14\n",
	},
	{
		name: "perf trace: quoted names, unsigned values, no zeros",
		in: "     0.000 kthreadd/2 sched:sched_process_fork(parent_comm: \"kthreadd\", parent_pid: 2 (kthreadd), child_comm: \"kt \\\"x\", child_pid: 488 (kthreadd))\n" +
			"     0.000 bash/486 sched:sched_process_fork(parent_comm: \"bash\", parent_pid: 486 (bash), child_comm: \"bash\", child_pid: 487 (bash))\n" +
			"     0.500 (         ): bash/486 sched:sched_kthread_stop(comm: \"kt\", pid: 3\", pid: 488 (kt\", pid: 3))\n" +
			"     0.500 kt ok/488 sched:sched_switch(prev_comm: \"kt ok\", prev_pid: 488 (kt ok), prev_prio: 120, prev_state: 2, next_comm: \"swapper/1\", next_prio: 120)\n" +
			"     0.500 swapper/0/0 sched:sched_switch(prev_comm: \"swapper/0\", prev_prio: 120, next_comm: \"kt ok\", next_pid: 488 (kt ok), next_prio: 120)\n" +
			"     0.500 kt ok/488 sched:sched_switch(prev_comm: \"kt ok\", prev_pid: 488 (kt ok), prev_prio: 120, prev_state: 256, next_comm: \"a\", next_pid: 7 (a))\n" +
			"     0.500 kt ok/488 sched:sched_switch(prev_comm: \"kt ok\", prev_pid: 488 (kt ok), prev_prio: 120, prev_state: 16, next_comm: \"swapper/1\", next_prio: 120)\n" +
			"     0.500 bash/486 sched:sched_waking(comm: \"kt\", pid: 488, prio: 120, target_cpu: 1)\n" +
			"     0.500 kt/488 sched:sched_process_exit(comm: \"kt\", pid: 488 (kt), prio: 120, group_dead: 1)\n" +
			"    12.345 bash/486 sched:sched_kthread_stop_ret(ret: 4294967292)\n" +
			"    12.345 bash/486 sched:sched_kthread_stop_ret()\n" +
			"    12.345 sched:sched_kthread_stop:comm=kt_ok pid=488)\n" +
			"    12.345 ( 0.001 ms): bash/486 read(fd: 3, buf: 0x7f, count: 10) = 10\nLOST 9 events!\n",
		want: "1 fork kt \\\"x[488] by kthreadd[2] in ?\n2 fork bash[487] by bash[486] in ?\n3 stop-call kt\", pid: 3[488] by bash[486] in ?\n4 switch-out kt ok[488] D\n5 switch-in kt ok[488]\n6 switch-out kt ok[488] R\n6 switch-in a[7]\n" +
			"7 switch-out kt ok[488] Z\n8 woken kt[488] by bash[486] in ?\n9 process-exit kt[488] in ?\n10 stop-return by bash[486] = -4 in ?\n11 stop-return by bash[486] = 0 in ?\n12 stop-call kt_ok[488] in ?\n14 loss 9 cpu -1 since 0\n",
	},
}

func TestTraceLayouts(t *testing.T) {
	for _, test := range traceLayouts {
		t.Run(test.name, func(t *testing.T) {
			got, r := readTrace(t, test.in, nil)
			if r == nil {
				t.Fatal("not recognised")
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if r.stats.Unusable != test.unusable {
				t.Errorf("%d diagnostics, want %d: %v", r.stats.Unusable, test.unusable, r.stats.Diagnostics)
			}
			if test.clock != traces.NoClock && (r.rec.stamp != test.stamp || r.rec.clock != test.clock || r.rec.coarse != test.coarse) {
				t.Errorf("last stamp %d (clock %d, step %d), want %d (%d, %d)", r.rec.stamp, r.rec.clock, r.rec.coarse, test.stamp, test.clock, test.coarse)
			}
		})
	}
}
