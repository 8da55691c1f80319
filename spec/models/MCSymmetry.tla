----------------------------- MODULE MCSymmetry -----------------------------
(***************************************************************************)
(* KThread with threads, stoppers and parkers that are alike.  In a .cfg   *)
(* for this module they are model values (Threads = {t1, t2}), and         *)
(* SYMMETRY Alike has TLC look at one state of each orbit: of states that  *)
(* differ only in who is who.                                              *)
(*                                                                         *)
(* When that is sound.  Invariants: each quantifies over all threads, all  *)
(* stoppers or all parkers and names none.  A property [][A]_vars, that is *)
(* StopIsForGood and RefinesClients: TLC checks A at each step from the    *)
(* states that it keeps, every other step is one of these renamed, and A   *)
(* and the refinement mapping name nobody either.  Not for liveness: there *)
(* TLC joins steps into behaviours, and a cycle of orbits need not be one  *)
(* of states, so TLC may find too much or too little.                      *)
(***************************************************************************)
EXTENDS MCKThread, TLC

\* Each thread has as many stoppers as the others, give or take one, and as many
\* parkers, and parkers come first to those that have the most stoppers.
Evenly ==
    CHOOSE f \in [Stoppers \cup Parkers -> Threads] :
        LET After(clients, k) == Cardinality({c \in clients : f[c] = k}) IN
        \A k, l \in Threads :
            /\ After(Stoppers, k) <= After(Stoppers, l) + 1
            /\ After(Parkers, k) <= After(Parkers, l) + 1
            /\ After(Parkers, k) > After(Parkers, l) => After(Stoppers, k) >= After(Stoppers, l)

\* The same by another name: TLC evaluates a definition that stands for a
\* constant at every use, but keeps the value of one that it calls.
SpreadEvenly == Evenly

\* Who may stand for whom: a thread for a thread of the same kind, a stopper for
\* a stopper, a parker for a parker, and with each client goes whom it is after.
Alike ==
    {p \in Permutations(Threads \cup Stoppers \cup Parkers) :
        /\ \A k \in Threads : p[k] \in Threads /\ Fn[p[k]] = Fn[k]
        /\ \A s \in Stoppers : p[s] \in Stoppers /\ Target[p[s]] = p[Target[s]]
        /\ \A c \in Parkers : p[c] \in Parkers /\ Target[p[c]] = p[Target[c]]}

\* How many renamings there are: an orbit has that many states at most.
ASSUME PrintT(<<"renamings", Cardinality(Alike)>>)
=============================================================================
