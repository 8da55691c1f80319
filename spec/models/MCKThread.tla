----------------------------- MODULE MCKThread -----------------------------
(***************************************************************************)
(* KThread for TLC: what a .cfg file cannot write itself.  (A .cfg knows   *)
(* neither functions nor negative numbers.)  Threads and stoppers are      *)
(* strings, "t1" "t2" ... and "s1" "s2" ...                                *)
(***************************************************************************)
EXTENDS KThread

\* Every stopper stops the first thread.
AllStopT1 == [s \in Stoppers |-> "t1"]

\* s1 stops t1, every other stopper stops t2.
EachStopsItsOwn == [s \in Stoppers |-> IF s = "s1" THEN "t1" ELSE "t2"]

\* A threadfn that returns 0 ...
Zero == {0}

\* ... or an error, but never -EINTR ...
ZeroOrEio == {0, -5}

\* ... and one that may return -EINTR itself.
ZeroOrEintr == {0, -4}
=============================================================================
