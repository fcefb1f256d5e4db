import { testHeap } from './heap.ts';

testHeap('caches', 11);
