import { testHeap } from './heap.ts';

testHeap('machine', 4);
