import { testHeap } from './heap.ts';

testHeap('series', 3);
