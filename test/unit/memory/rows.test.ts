import { testHeap } from './heap.ts';

testHeap('rows', 6);
