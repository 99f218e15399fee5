import { it } from 'vitest';
import { createGmm, gmmSettings } from '/work/main/src/models/gmm.ts';
import { withDefaults } from '/work/main/src/settings.ts';
import { allocateState, allocateSums, clear } from '/work/main/src/em/state.ts';
import { random } from '/work/main/src/math/random.ts';
import { leadingDirections, tfidf, inverseDocumentFrequencies, project } from '/work/main/src/corpus/lsa.ts';
it('scale', () => {
  const D=100000,P=50,K=20; const rnd=random(5);
  const centre=new Float64Array(K*P).map(()=>rnd.normal()*0.7);
  const values=new Float64Array(D*P); for(let d=0;d<D;d++){const k=rnd.integer(K);for(let p=0;p<P;p++)values[d*P+p]=centre[k*P+p]+rnd.normal();}
  const corpus={rowStart:new Uint32Array(D+1),term:new Uint32Array(0),count:new Uint32Array(0),vocabulary:[],ids:[],meta:new Map(),vectors:{columns:Array.from({length:P},(_,p)=>'c'+p),values}};
  for (const covariance of ['diag','full']) {
    const model=createGmm(withDefaults(gmmSettings,{covariance}),{V:0,K,columns:P});
    const state=allocateState(model,{V:0,K},D), sums=allocateSums(model,{V:0,K});
    let t=(process.cpuUsage().user/1e3); model.initialise(corpus as any,state,random(1)); console.log(covariance,'init',(((process.cpuUsage().user/1e3)-t)/1000).toFixed(2),'s');
    const pts=model.prepare(corpus as any,state); model.resetPosterior(pts,state);
    for(let i=0;i<3;i++){t=(process.cpuUsage().user/1e3);clear(sums);model.eStep(pts,0,D,state,sums,'warm');const e=(process.cpuUsage().user/1e3);model.mStep(state,sums.statistics,false);console.log(covariance,'E',((e-t)/1000).toFixed(2),'M',(((process.cpuUsage().user/1e3)-e)/1000).toFixed(3));}
  }
  // LSA at D=100000, V=20000, 100 dims, 60 terms a document
  const V=20000,n=60; const term=new Uint32Array(D*n),rowStart=new Uint32Array(D+1);
  for(let d=0;d<D;d++){const s=new Set<number>();while(s.size<n)s.add(Math.floor(V*Math.pow(rnd.uniform(),3)));term.set([...s].sort((a,b)=>a-b),d*n);rowStart[d+1]=(d+1)*n;}
  const c={rowStart,term,count:new Uint32Array(D*n).fill(1),vocabulary:new Array(V).fill(''),ids:[],meta:new Map()} as any;
  const t=(process.cpuUsage().user/1e3); const idf=inverseDocumentFrequencies(c); const w=tfidf(c,idf); const B=leadingDirections(c,w,100,random(1)); const u=(process.cpuUsage().user/1e3); project(c,w,B,100);
  console.log('LSA basis',((u-t)/1000).toFixed(1),'s, project',(((process.cpuUsage().user/1e3)-u)/1000).toFixed(1),'s');
}, 600000);
