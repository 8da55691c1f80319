package checker
import ("testing";"fmt";"time";"math/rand/v2";"github.com/kthread-tla/tracecheck/spec/graph";"sort";"github.com/kthread-tla/tracecheck/traces")
func TestZH(t *testing.T){
 all,_:=New(nil,10*time.Second)
 cnt:=map[string]int{}
 ph:=map[string]int{}
 evs:=0
 acts:=map[string]int{}
 for seed:=range 600 {
  rng := rand.New(rand.NewPCG(uint64(seed), 2))
  ms:=all.all(graph.KThreadTask)
  m:=ms[seed%len(ms)].m
  log:=randomTrace(m,rng)
  evs+=len(log)
  for _,s:=range log { acts[s.event.Kind.String()]++ }
  for _,tr:=range log[0].truth { ph[tr.phase]++ }
  list:=&replay{}
  for i,s:=range log { s.event.Line,s.event.Before=i+1,i; list.list=append(list.list,s.event)}
  if seed<300 {
  all.Check(list,Options{},func(v *Verdict) error {
   tr:=log[0].truth[v.Life.Thread.PID]
   cnt[fmt.Sprintf("%s ran %v code %v ret %d -> %s ran %s stop %v", tr.phase,tr.ran,tr.ended,tr.returned,v.Outcome,v.Ran, v.Life.Sees.Has(traces.StopCall))]++
   return nil})}
 }
 fmt.Println(ph, evs, acts)
 var k []string
 for s:=range cnt {k=append(k,s)}
 sort.Strings(k)
 for _,s:=range k {fmt.Println(cnt[s],s)}
}
